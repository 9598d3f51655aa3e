// What the scripts share: what they are told, assertions, and how they report. The libraries do the rest.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as jose from 'jose'

// The server, the identity provider and the clients, as JSON on standard input.
export const told = JSON.parse(readFileSync(0, 'utf8'))

export const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const jwtType = 'urn:ietf:params:oauth:token-type:jwt'

// assertion returns a fresh assertion of the identity provider, with more claims or others.
export async function assertion(claims = {}) {
  const key = await jose.importJWK(told.provider.jwk, 'ES256')
  return new jose.SignJWT({ iss: told.provider.issuer, sub: 'alice', aud: told.provider.audience, ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime('5m')
    .setJti(randomUUID())
    .sign(key)
}

// ownKey is the key of the client that signs its client assertions, as the Web Crypto API wants it.
export async function ownKey() {
  return { key: await jose.importJWK(told.clients.key.jwk, 'ES256'), kid: told.clients.key.jwk.kid }
}

// reason returns what the server said. Where the libraries tell of the challenge of a 401 alone, the body is still there.
async function reason(e) {
  const body = e.name === 'WWWAuthenticateChallengeError' ? await e.response.json() : e
  return { status: e.status ?? e.cause?.status, error: body.error, description: body.error_description }
}

// report runs the cases and prints what each returned, or how it failed, as one JSON object.
export async function report(cases) {
  const results = {}
  for (const [name, run] of Object.entries(cases)) {
    try {
      results[name] = (await run()) ?? {}
    } catch (e) {
      results[name] = { failed: `${e.name} ${e.code}: ${e.message}`, ...(await reason(e)) }
    }
  }
  console.log(JSON.stringify(results))
}
