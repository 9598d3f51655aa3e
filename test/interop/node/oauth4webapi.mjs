// oauth4webapi is a client, and a resource server that validates access tokens by RFC 9068.
import * as oauth from 'oauth4webapi'
import { assertion, jwtBearer, ownKey, report, told } from './shared.mjs'

const insecure = { [oauth.allowInsecureRequests]: told.issuer.startsWith('http:') }

async function discover(algorithm) {
  const issuer = new URL(told.issuer)
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...insecure }))
}

const as = await discover('oauth2')

const { secret, key, public: open } = told.clients
const clients = {
  basic: [{ client_id: secret.id }, oauth.ClientSecretBasic(secret.secret)],
  post: [{ client_id: secret.id }, oauth.ClientSecretPost(secret.secret)],
  key: [{ client_id: key.id }, oauth.PrivateKeyJwt(await ownKey())],
  none: [{ client_id: open.id }, oauth.None()],
  wrong: [{ client_id: secret.id }, oauth.ClientSecretPost('not-the-secret-at-all')],
}

async function exchange([client, authentication], parameters = {}, server = as) {
  const all = { assertion: await assertion(), scope: 'read', ...parameters }
  const response = await oauth.genericTokenEndpointRequest(server, client, authentication, jwtBearer, all, insecure)
  return validated(await oauth.processGenericTokenEndpointResponse(server, client, response))
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
