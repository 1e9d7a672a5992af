// jose verifies tokens by the published keys, as the guard of an API in JavaScript does.

import assert from "node:assert/strict";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { LOGIN, forgeries, logIn } from "./surroundings.mjs";

const metadata = await (await fetch(new URL("/.well-known/oauth-authorization-server", LOGIN))).json();
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
const expected = { issuer: LOGIN, audience: LOGIN, typ: "at+jwt", algorithms: ["ES256"] };
const requiredClaims = ["sub", "exp", "iat", "jti", "client_id"];

const token = await logIn();
const { payload, protectedHeader } = await jwtVerify(token, keys, { ...expected, requiredClaims });
assert.equal(payload.client_id, "app");
assert.ok(protectedHeader.kid);

for (const other of ["issuer", "audience", "typ"]) {
  const expectations = { ...expected, [other]: "other" };
  await assert.rejects(jwtVerify(token, keys, expectations), errors.JWTClaimValidationFailed);
}
const later = new Date(payload.exp * 1000);
await assert.rejects(jwtVerify(token, keys, { ...expected, currentDate: later }), errors.JWTExpired);
for (const forgery of forgeries(token)) await assert.rejects(jwtVerify(forgery, keys, expected), errors.JOSEError);
