// Makes the given calls of the JavaScript SDK of Segment, configured with a host and a write key only.
// node send.mjs < {"host", "key", "calls": [[method, members], ...], "options"}
// Prints a JSON list of the errors that the SDK reported.
import { Analytics } from '@segment/analytics-node';
import { text } from 'node:stream/consumers';

const { host, key, calls, options } = JSON.parse(await text(process.stdin));
const errors = [];
const analytics = new Analytics({ writeKey: key, host, ...options });
analytics.on('error', ({ code, reason }) => errors.push(`${code} ${reason}`));
for (const [method, members] of calls) analytics[method](members);
await analytics.closeAndFlush();
console.log(JSON.stringify(errors));
