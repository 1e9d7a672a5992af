// openid-client gets, refreshes, asks about and gives back tokens.

import assert from "node:assert/strict";
import * as client from "openid-client";
import { LOGIN, PASSWORD, WEB_SECRET, WORKER_SECRET, isControl } from "./surroundings.mjs";

const scope = "items:read offline_access";
const web = await discover("web", client.ClientSecretBasic(WEB_SECRET));
const app = await discover("app", client.None());
const worker = await discover("worker", client.ClientSecretPost(WORKER_SECRET));

function discover(id, authentication) {
  const options = { algorithm: "oauth2", execute: [client.allowInsecureRequests] };
  return client.discovery(new URL(LOGIN), id, undefined, authentication, options);
}

function logIn(configuration, password = PASSWORD) {
  return client.genericGrantRequest(configuration, "password", { username: "ada", password, scope });
}

for (const configuration of [web, app]) {
  const first = await logIn(configuration);
  assert.ok(first.expiresIn() > 0);
  const second = await client.refreshTokenGrant(configuration, first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  if (!isControl) {
    const me = await client.fetchProtectedResource(configuration, second.access_token, new URL("/users/me", LOGIN), "GET");
    assert.equal((await me.json()).username, "ada");
  }
  await client.tokenRevocation(configuration, second.refresh_token, { token_type_hint: "refresh_token" });
  await refused("invalid_grant", client.refreshTokenGrant(configuration, second.refresh_token));
  await refused("invalid_grant", logIn(configuration, "wrong"));
}

const { refresh_token } = await logIn(web);
const about = await client.tokenIntrospection(web, refresh_token);
assert.ok(about.active);
assert.equal(about.client_id, "web");
await client.tokenRevocation(web, refresh_token);
assert.deepEqual(await client.tokenIntrospection(web, refresh_token), { active: false });

const own = await client.clientCredentialsGrant(worker, { scope: "items:read" });
assert.equal(own.scope, "items:read");
assert.equal(own.refresh_token, undefined);
const wrong = await discover("worker", client.ClientSecretPost("wrong"));
await refused("invalid_client", client.clientCredentialsGrant(wrong));

async function refused(error, act) {
  await assert.rejects(act, (found) => found instanceof client.ResponseBodyError && found.error === error);
}
