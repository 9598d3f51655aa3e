// openid-client is a client. It finds the endpoints by RFC 8414, and does not look into access tokens: jose does.
import * as jose from 'jose'
import * as client from 'openid-client'
import { assertion, jwtBearer, jwtType, ownKey, report, told, tokenExchange } from './shared.mjs'

const discover = (id, authentication, options = { algorithm: 'oauth2' }) =>
  client.discovery(new URL(told.issuer), id, undefined, authentication, options)

const clients = {
  basic: () => discover(told.clients.secret.id, client.ClientSecretBasic(told.clients.secret.secret)),
  post: () => discover(told.clients.secret.id, client.ClientSecretPost(told.clients.secret.secret)),
  key: async () => discover(told.clients.key.id, client.PrivateKeyJwt(await ownKey())),
  api: () => discover(told.clients.api.id, client.ClientSecretPost(told.clients.api.secret)),
  none: () => discover(told.clients.public.id, client.None()),
  wrong: () => discover(told.clients.secret.id, client.ClientSecretBasic('not-the-secret-at-all')),
  openid: () => discover(told.clients.secret.id, client.ClientSecretBasic(told.clients.secret.secret), {}),
}

const exchange = async (config, parameters = {}) =>
  verified(config, await client.genericGrantRequest(config, jwtBearer, { assertion: await assertion(), scope: 'read', ...parameters }))

const inOwnName = async (config) => verified(config, await client.clientCredentialsGrant(config, { scope: 'read' }))

const swap = async (config, parameters = {}) => {
  const subject = { subject_token: await assertion(), subject_token_type: jwtType, scope: 'read', resource: told.resource, ...parameters }
  return verified(config, await client.genericGrantRequest(config, tokenExchange, subject))
}

const refresh = async (config, token, parameters = {}) => verified(config, await client.refreshTokenGrant(config, token, parameters))

const introspect = async (config, token) => {
  const claims = await client.tokenIntrospection(config, token)
  return { active: claims.active, claims }
}

async function verified(config, response) {
  const keys = jose.createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
  const { payload } = await jose.jwtVerify(response.access_token, keys, { issuer: told.issuer, audience: told.resource, typ: 'at+jwt' })
  return { response, claims: payload }
}

await report({
  'exchange, client_secret_basic': async () => exchange(await clients.basic()),
  'exchange, client_secret_post': async () => exchange(await clients.post()),
  'exchange, private_key_jwt': async () => exchange(await clients.key()),
  'exchange, none': async () => exchange(await clients.none()),
  'exchange, discovered by OpenID Connect': async () => exchange(await clients.openid()),
  'exchange, resource': async () => exchange(await clients.basic(), { resource: told.resource }),
  'client credentials, client_secret_basic': async () => inOwnName(await clients.basic()),
  'client credentials, client_secret_post': async () => inOwnName(await clients.post()),
  'client credentials, private_key_jwt': async () => inOwnName(await clients.key()),
  'token exchange': async () => swap(await clients.post()),
  'token exchange for an actor': async () =>
    swap(await clients.basic(), { actor_token: await assertion({ sub: 'robot' }), actor_token_type: jwtType }),
  'refresh': async () => {
    const config = await clients.post()
    return refresh(config, (await exchange(config)).response.refresh_token)
  },
  'refresh, less scope': async () => {
    const config = await clients.basic()
    return refresh(config, (await exchange(config, { scope: 'read write' })).response.refresh_token, { scope: 'read' })
  },
  'refused: refresh token of another': async () =>
    refresh(await clients.none(), (await exchange(await clients.basic())).response.refresh_token),
  'introspect': async () => introspect(await clients.api(), (await exchange(await clients.basic())).response.access_token),
  'introspect, unknown': async () => introspect(await clients.api(), 'x.y.z'),
  'revoke': async () => {
    const config = await clients.key()
    const { access_token } = (await exchange(config)).response
    await client.tokenRevocation(config, access_token)
    return introspect(await clients.api(), access_token)
  },
  'refused: revoked refresh token': async () => {
    const config = await clients.none()
    const { refresh_token } = (await exchange(config)).response
    await client.tokenRevocation(config, refresh_token, { token_type_hint: 'refresh_token' })
    return refresh(config, refresh_token)
  },
  'refused: revocation by another': async () => {
    const { access_token } = (await exchange(await clients.basic())).response
    await client.tokenRevocation(await clients.key(), access_token)
  },
  'refused: subject token': async () => swap(await clients.basic(), { subject_token: 'x' }),
  'refused: client credentials of a public': async () => inOwnName(await clients.none()),
  'refused: wrong secret': async () => exchange(await clients.wrong()),
  'refused: wrong audience': async () => exchange(await clients.basic(), { assertion: await assertion({ aud: 'https://other.test' }) }),
  'refused: scope': async () => exchange(await clients.basic(), { scope: 'admin' }),
  'refused: resource': async () => exchange(await clients.basic(), { resource: 'https://other.test' }),
  'refused: used before': async () => {
    const [config, used] = [await clients.basic(), await assertion()]
    await exchange(config, { assertion: used })
    return exchange(config, { assertion: used })
  },
})
