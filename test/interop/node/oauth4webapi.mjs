// oauth4webapi is a client, and a resource server that validates access tokens by RFC 9068.
import * as oauth from 'oauth4webapi'
import { assertion, jwtBearer, jwtType, ownKey, report, told, tokenExchange } from './shared.mjs'

const insecure = { [oauth.allowInsecureRequests]: told.issuer.startsWith('http:') }

async function discover(algorithm) {
  const issuer = new URL(told.issuer)
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...insecure }))
}

const as = await discover('oauth2')

const { secret, key, api, public: open } = told.clients
const clients = {
  basic: [{ client_id: secret.id }, oauth.ClientSecretBasic(secret.secret)],
  post: [{ client_id: secret.id }, oauth.ClientSecretPost(secret.secret)],
  key: [{ client_id: key.id }, oauth.PrivateKeyJwt(await ownKey())],
  api: [{ client_id: api.id }, oauth.ClientSecretBasic(api.secret)],
  none: [{ client_id: open.id }, oauth.None()],
  wrong: [{ client_id: secret.id }, oauth.ClientSecretPost('not-the-secret-at-all')],
}

async function exchange([client, authentication], parameters = {}, server = as) {
  const all = { assertion: await assertion(), scope: 'read', ...parameters }
  const response = await oauth.genericTokenEndpointRequest(server, client, authentication, jwtBearer, all, insecure)
  return validated(await oauth.processGenericTokenEndpointResponse(server, client, response))
}

async function swap(who, parameters = {}) {
  const subject = { subject_token: await assertion(), subject_token_type: jwtType, scope: 'read', audience: told.resource, ...parameters }
  const [client, authentication] = who
  const response = await oauth.genericTokenEndpointRequest(as, client, authentication, tokenExchange, subject, insecure)
  return validated(await oauth.processGenericTokenEndpointResponse(as, client, response))
}

async function refresh([client, authentication], token) {
  const response = await oauth.refreshTokenGrantRequest(as, client, authentication, token, insecure)
  return validated(await oauth.processRefreshTokenResponse(as, client, response))
}

async function introspect([client, authentication], token) {
  const response = await oauth.introspectionRequest(as, client, authentication, token, insecure)
  const claims = await oauth.processIntrospectionResponse(as, client, response)
  return { active: claims.active, claims }
}

async function revoke([client, authentication], token) {
  return oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, token, insecure))
}

async function inOwnName([client, authentication]) {
  const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, { scope: 'read' }, insecure)
  return validated(await oauth.processClientCredentialsResponse(as, client, response))
}

// validated returns the response, and the claims as the resource server sees them.
async function validated(response) {
  const request = new Request(told.resource, { headers: { authorization: `Bearer ${response.access_token}` } })
  return { response, claims: await oauth.validateJwtAccessToken(as, request, told.resource, insecure) }
}

await report({
  'exchange, client_secret_basic': () => exchange(clients.basic),
  'exchange, client_secret_post': () => exchange(clients.post),
  'exchange, private_key_jwt': () => exchange(clients.key),
  'exchange, none': () => exchange(clients.none),
  'exchange, discovered by OpenID Connect': async () => exchange(clients.basic, {}, await discover('oidc')),
  'exchange, resource': () => exchange(clients.basic, { resource: told.resource }),
  'client credentials, client_secret_basic': () => inOwnName(clients.basic),
  'client credentials, private_key_jwt': () => inOwnName(clients.key),
  'token exchange': () => swap(clients.basic),
  'token exchange for an actor': async () =>
    swap(clients.key, { actor_token: await assertion({ sub: 'robot' }), actor_token_type: jwtType }),
  'refresh': async () => refresh(clients.basic, (await exchange(clients.basic)).response.refresh_token),
  'refresh, none': async () => {
    const first = await refresh(clients.none, (await exchange(clients.none)).response.refresh_token)
    return refresh(clients.none, first.response.refresh_token)
  },
  'refused: refresh token used before': async () => {
    const { refresh_token } = (await exchange(clients.basic)).response
    await refresh(clients.basic, refresh_token)
    return refresh(clients.basic, refresh_token)
  },
  'introspect': async () => introspect(clients.api, (await exchange(clients.basic)).response.access_token),
  'introspect, private_key_jwt': async () => introspect(clients.key, (await exchange(clients.key)).response.access_token),
  'introspect, unknown': () => introspect(clients.api, 'x.y.z'),
  'revoke': async () => {
    const { access_token } = (await exchange(clients.none)).response
    await revoke(clients.none, access_token)
    return introspect(clients.api, access_token)
  },
  'refused: revocation by another': async () => revoke(clients.key, (await exchange(clients.basic)).response.access_token),
  'refused: introspection by a public': async () => introspect(clients.none, 'x.y.z'),
  'refused: subject token': () => swap(clients.basic, { subject_token: 'x' }),
  'refused: client credentials of a public': () => inOwnName(clients.none),
  'refused: wrong secret': () => exchange(clients.wrong),
  'refused: wrong audience': async () => exchange(clients.basic, { assertion: await assertion({ aud: 'https://other.test' }) }),
  'refused: scope': () => exchange(clients.basic, { scope: 'admin' }),
  'refused: resource': () => exchange(clients.basic, { resource: 'https://other.test' }),
  'refused: used before': async () => {
    const used = await assertion()
    await exchange(clients.basic, { assertion: used })
    return exchange(clients.basic, { assertion: used })
  },
})
