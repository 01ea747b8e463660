// Subscribes to a rights request with the client of graphql-ws. Prints each state on its own line.
// node follow.mjs <url> <token> <id>
import { createClient } from "graphql-ws";

const [url, token, id] = process.argv.slice(2);
const client = createClient({
  url,
  retryAttempts: 0,
  connectionParams: { Authorization: `Bearer ${token}` },
});
const query = "subscription($id: ID!) { rightsRequest(id: $id) { state } }";
for await (const result of client.iterate({ query, variables: { id } })) {
  console.log(result.data?.rightsRequest?.state ?? JSON.stringify(result.errors));
}
await client.dispose();
