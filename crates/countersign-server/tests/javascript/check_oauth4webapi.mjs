// oauth4webapi finds the endpoints, gets, refreshes, asks about and gives back tokens, and validates them by RFC 9068.

import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import { LOGIN, PASSWORD, WEB_SECRET, WORKER_SECRET, forgeries, isControl } from "./surroundings.mjs";

const insecure = { [oauth.allowInsecureRequests]: true }; // on this machine alone
const issuer = new URL(LOGIN);
const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure });
const server = await oauth.processDiscoveryResponse(issuer, found);

const scope = "items:read offline_access";
const web = [server, { client_id: "web" }, oauth.ClientSecretBasic(WEB_SECRET)];
const app = [server, { client_id: "app" }, oauth.None()];
const worker = [server, { client_id: "worker" }, oauth.ClientSecretPost(WORKER_SECRET)];

for (const client of [web, app]) await sessions(client);
await tokensAreGivenBack(web);
await clientsOfTheirOwn();
await othersAreRefused();

async function logIn(client, password = PASSWORD) {
  const parameters = { username: "ada", password, scope };
  const answer = await oauth.genericTokenEndpointRequest(...client, "password", parameters, insecure);
  return oauth.processGenericTokenEndpointResponse(server, client[1], answer);
}

async function refresh(client, token) {
  const answer = await oauth.refreshTokenGrantRequest(...client, token, insecure);
  return oauth.processRefreshTokenResponse(server, client[1], answer);
}

async function introspect(client, token) {
  const answer = await oauth.introspectionRequest(...client, token, insecure);
  return oauth.processIntrospectionResponse(server, client[1], answer);
}

async function revoke(client, token) {
  await oauth.processRevocationResponse(await oauth.revocationRequest(...client, token, insecure));
}

function validate(token, audience = LOGIN) {
  const request = new Request("https://api.example.com/items", { headers: { Authorization: `Bearer ${token}` } });
  return oauth.validateJwtAccessToken(server, request, audience, insecure);
}

async function sessions(client) {
  const first = await logIn(client);
  assert.equal(first.token_type, "bearer"); // the library writes it small
  assert.ok(first.expires_in > 0);
  assert.deepEqual(first.scope.split(" ").sort(), ["items:read", "offline_access"]);
  const second = await refresh(client, first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.notEqual(second.access_token, first.access_token);
  for (const token of [first.access_token, second.access_token]) {
    const claims = await validate(token);
    assert.equal(claims.client_id, client[1].client_id);
    assert.ok(claims.scope.split(" ").includes("items:read"));
  }
  await assert.rejects(validate(first.access_token, "https://other.example.com"), /"aud"/);
  for (const forgery of forgeries(first.access_token)) await assert.rejects(validate(forgery));
  await refresh(client, second.refresh_token);
  await refused("invalid_grant", refresh(client, first.refresh_token));
}

async function tokensAreGivenBack(client) {
  const token = await logIn(client);
  const about = await introspect(client, token.refresh_token);
  assert.ok(about.active);
  assert.equal(about.client_id, "web");
  if (!isControl) {
    const about = await introspect(client, token.access_token);
    assert.equal(about.username, "ada");
    assert.equal(about.sub, (await validate(token.access_token)).sub);
  }
  await revoke(client, token.refresh_token);
  assert.deepEqual(await introspect(client, token.refresh_token), { active: false });
  if (!isControl) assert.deepEqual(await introspect(client, token.access_token), { active: false });
  await refused("invalid_grant", refresh(client, token.refresh_token));
  await revoke(client, token.refresh_token); // what is not good any more is given back as well
}

async function clientsOfTheirOwn() {
  const answer = await oauth.clientCredentialsGrantRequest(...worker, { scope: "items:read" }, insecure);
  const own = await oauth.processClientCredentialsResponse(server, worker[1], answer);
  assert.equal(own.refresh_token, undefined);
  const claims = await validate(own.access_token);
  assert.equal(claims.client_id, "worker");
}

async function othersAreRefused() {
  await refused("invalid_grant", logIn(app, "wrong"));
  const [, client] = worker;
  const wrong = oauth.ClientSecretPost("wrong");
  const answer = await oauth.clientCredentialsGrantRequest(server, client, wrong, {}, insecure);
  await refused("invalid_client", oauth.processClientCredentialsResponse(server, client, answer));
  // By HTTP Basic, the answer is a challenge.
  const basic = oauth.ClientSecretBasic("wrong");
  const challenged = await oauth.genericTokenEndpointRequest(server, web[1], basic, "password", {}, insecure);
  assert.equal(challenged.status, 401);
  await assert.rejects(oauth.processGenericTokenEndpointResponse(server, web[1], challenged), oauth.WWWAuthenticateChallengeError);
}

async function refused(error, act) {
  await assert.rejects(act, (found) => found instanceof oauth.ResponseBodyError && found.error === error);
}
