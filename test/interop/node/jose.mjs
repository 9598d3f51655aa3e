// jose is an API that is called with an access token. Its keys are those that the metadata names; who asks for the token
// is no library, but a form.
import * as jose from 'jose'
import { assertion, jwtBearer, report, told } from './shared.mjs'

const metadata = await (await fetch(`${told.issuer}/.well-known/oauth-authorization-server`)).json()
const keys = jose.createRemoteJWKSet(new URL(metadata.jwks_uri))

async function exchange() {
  const form = { grant_type: jwtBearer, assertion: await assertion(), client_id: told.clients.public.id, scope: 'read' }
  const response = await (await fetch(metadata.token_endpoint, { method: 'POST', body: new URLSearchParams(form) })).json()
  return { ...response, token_type: response.token_type.toLowerCase() }
}

async function verified(response, options = {}) {
  const expected = { issuer: told.issuer, audience: told.resource, typ: 'at+jwt', algorithms: ['ES256'], requiredClaims: ['exp', 'iat', 'jti', 'client_id'] }
  const { payload } = await jose.jwtVerify(response.access_token, keys, { ...expected, ...options })
  return { response, claims: payload }
}

// altered changes one claim and leaves the signature as it is.
function altered(response) {
  const [head, payload, signature] = response.access_token.split('.')
  const claims = { ...JSON.parse(Buffer.from(payload, 'base64url')), sub: 'root' }
  return { ...response, access_token: [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.') }
}

await report({
  verify: async () => verified(await exchange()),
  'refused: another API': async () => verified(await exchange(), { audience: 'https://other.test' }),
  'refused: another issuer': async () => verified(await exchange(), { issuer: 'https://other.test' }),
  'refused: as an ID token': async () => verified(await exchange(), { typ: 'JWT' }),
  'refused: altered': async () => verified(altered(await exchange())),
})
