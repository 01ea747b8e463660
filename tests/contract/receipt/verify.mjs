// Verifies receipts as their holder can: with the published keys and the library jose, without a network.
// Reads {"jwks", "issuer", "receipts"}. Writes for each receipt its payload, or the code of its refusal.
import { readFileSync } from "node:fs";
import { createLocalJWKSet, jwtVerify } from "jose";

const { jwks, issuer, receipts } = JSON.parse(readFileSync(0, "utf8"));
const keys = createLocalJWKSet(jwks);
const outcomes = [];
for (const receipt of receipts) {
  try {
    const { payload } = await jwtVerify(receipt, keys, { issuer, typ: "consent-receipt+jwt" });
    outcomes.push({ payload });
  } catch (error) {
    outcomes.push({ refused: error.code ?? error.name });
  }
}
process.stdout.write(JSON.stringify(outcomes));
