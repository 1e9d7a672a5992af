// The control: oidc-provider, which the OpenID Foundation has certified, set up as the tests set up Countersign. Each check is
// run against it first: what fails there is a fault of the check.
//
// It covers discovery (RFC 8414), client authentication, the grants client_credentials and refresh_token, RFC 9068 access
// tokens, and introspection and revocation of refresh tokens. It has no password grant, so that one is added here, in the
// way in which it is told to add grants; and it neither introspects nor revokes access tokens that are JWTs.
//
// Writes its URL on one line, and serves until it is killed.

import { createServer } from "node:http";
import { exportJWK, generateKeyPair } from "jose";
import Provider, { errors } from "oidc-provider";

const { PASSWORD, WEB_SECRET, WORKER_SECRET } = process.env;
const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;
const { privateKey } = await generateKeyPair("ES256", { extractable: true });

const noCode = { redirect_uris: [], response_types: [] };
const grants = ["password", "refresh_token"];
const resourceServer = { scope: "items:read", audience: issuer, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } };
const provider = new Provider(issuer, {
  clients: [
    { client_id: "app", token_endpoint_auth_method: "none", grant_types: grants, ...noCode },
    { client_id: "web", client_secret: WEB_SECRET, grant_types: grants, ...noCode },
    {
      client_id: "worker",
      client_secret: WORKER_SECRET,
      token_endpoint_auth_method: "client_secret_post",
      grant_types: ["client_credentials"],
      ...noCode,
    },
  ],
  clientDefaults: { id_token_signed_response_alg: "ES256" },
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: "ES256", use: "sig", kid: "control" }] },
  scopes: ["items:read", "offline_access"],
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  rotateRefreshToken: true,
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => issuer,
      useGrantedResource: () => true,
      getResourceServerInfo: () => resourceServer,
    },
  },
});
provider.registerGrantType("password", logIn, ["username", "password", "scope"]);
server.on("request", provider.callback());
console.log(issuer);

async function logIn(ctx) {
  const { client, params } = ctx.oidc;
  if (params.username !== "ada" || params.password !== PASSWORD) throw new errors.InvalidGrant("wrong");
  const grant = new provider.Grant({ accountId: "ada", clientId: client.clientId });
  grant.addOIDCScope("offline_access");
  grant.addResourceScope(issuer, "items:read");
  const grantId = await grant.save();
  const scope = params.scope ?? "items:read";
  const common = { accountId: "ada", client, grantId, gty: "password" };
  const access = new provider.AccessToken({ ...common, scope: "items:read" });
  access.resourceServer = new provider.ResourceServer(issuer, resourceServer);
  const refresh = new provider.RefreshToken({ ...common, scope, resource: issuer });
  ctx.body = {
    access_token: await access.save(),
    expires_in: access.expiration,
    token_type: access.tokenType,
    scope,
    ...(scope.includes("offline_access") && { refresh_token: await refresh.save() }),
  };
}
