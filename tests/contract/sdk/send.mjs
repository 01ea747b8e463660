// A shop's program in JavaScript: says what it is told to say, through an SDK that knows its host and its key.
// node send.mjs < {"host", "key", "calls": [[method, members], ...], "options"}
// Prints a JSON list of what the SDK reported as gone wrong.
import { Analytics } from '@segment/analytics-node';
import { text } from 'node:stream/consumers';

const { host, key, calls, options } = JSON.parse(await text(process.stdin));
const errors = [];
const analytics = new Analytics({ writeKey: key, host, ...options });
analytics.on('error', ({ code, reason }) => errors.push(`${code} ${reason}`));
for (const [method, members] of calls) analytics[method](members);
await analytics.closeAndFlush();
console.log(JSON.stringify(errors));
