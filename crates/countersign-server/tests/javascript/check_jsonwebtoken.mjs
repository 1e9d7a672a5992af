// jsonwebtoken verifies tokens with the key that the published set names.

import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import jwt from "jsonwebtoken";
import { LOGIN, forgeries, logIn } from "./surroundings.mjs";

const metadata = await (await fetch(new URL("/.well-known/oauth-authorization-server", LOGIN))).json();
const { keys } = await (await fetch(metadata.jwks_uri)).json();

const token = await logIn();
const { header } = jwt.decode(token, { complete: true });
assert.equal(header.typ, "at+jwt");
const key = createPublicKey({ key: keys.find(({ kid }) => kid === header.kid), format: "jwk" });
const expected = { algorithms: ["ES256"], issuer: LOGIN, audience: LOGIN };
const claims = jwt.verify(token, key, expected);
assert.equal(claims.client_id, "app");

for (const other of ["issuer", "audience"]) {
  assert.throws(() => jwt.verify(token, key, { ...expected, [other]: "other" }), jwt.JsonWebTokenError);
}
assert.throws(() => jwt.verify(token, key, { ...expected, clockTimestamp: claims.exp }), jwt.TokenExpiredError);
for (const forgery of forgeries(token)) assert.throws(() => jwt.verify(forgery, key, expected), jwt.JsonWebTokenError);
