// better-auth with names and passwords over SQLite, and its defaults; better-auth.db is in the working directory.
// `node better-auth.mjs PORT`

import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import Database from "better-sqlite3";

const port = Number(process.argv[2]);
const auth = betterAuth({
  baseURL: `http://127.0.0.1:${port}`,
  secret: "a-secret-of-the-bench-which-is-long-enough",
  database: new Database("better-auth.db"),
  emailAndPassword: { enabled: true },
  // The storm is no attack that should be stopped: it is there to be measured.
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
});
const migrations = await getMigrations(auth.options);
await migrations.runMigrations();

const handle = toNodeHandler(auth);
createServer((request, response) => handle(request, response)).listen(port, "127.0.0.1");
