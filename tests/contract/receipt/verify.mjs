// What somebody runs who was handed a receipt: the published keys, the library most of the web uses, no network.
// Reads {"jwks", "issuer", "receipts"}; writes for each receipt its payload, or why it is refused.
import { readFileSync } from "node:fs";
import { createLocalJWKSet, jwtVerify } from "jose";

const { jwks, issuer, receipts } = JSON.parse(readFileSync(0, "utf8"));
const keys = createLocalJWKSet(jwks);
const found = [];
for (const receipt of receipts) {
  try {
    const { payload } = await jwtVerify(receipt, keys, { issuer, typ: "consent-receipt+jwt" });
    found.push({ payload });
  } catch (error) {
    found.push({ refused: error.code ?? error.name });
  }
}
process.stdout.write(JSON.stringify(found));
