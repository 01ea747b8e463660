// Runs the GraphQL-over-HTTP audits of the npm package graphql-http and prints the results as JSON.
// node audit.mjs <url> <token>
import { serverAudits } from 'graphql-http';

const [url, token] = process.argv.slice(2);
const fetchFn = (to, init = {}) =>
  fetch(to, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });

const results = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  results.push({ id, name, status, reason });
}
console.log(JSON.stringify(results));
