// What the checks are told by their environment, and what they all do.

import assert from "node:assert/strict";

export const { LOGIN, PASSWORD, WEB_SECRET, WORKER_SECRET } = process.env;
/** Whether LOGIN is control.mjs and not Countersign. */
export const isControl = process.env.CONTROL === "1";

const body = new URLSearchParams({ username: "ada", password: PASSWORD, scope: "items:read", client_id: "app" });
body.set("grant_type", "password");

/** An access token of ada's, without any library. */
export async function logIn() {
  const answer = await fetch(new URL("/token", LOGIN), { method: "POST", body });
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()).access_token;
}

/** The token with its last claims or its signature changed, each of which nobody may take. */
export function forgeries(token) {
  const [header, claims, signature] = token.split(".");
  const more = { ...JSON.parse(Buffer.from(claims, "base64url")), scope: "items:read items:write" };
  const other = (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
  const unsigned = encode({ alg: "none", typ: "at+jwt" });
  return [`${header}.${encode(more)}.${signature}`, `${header}.${claims}.${other}`, `${unsigned}.${claims}.`];
}

function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
