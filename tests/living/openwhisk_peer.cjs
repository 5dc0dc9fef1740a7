// Reads activations with OpenWhisk's own JavaScript client, from a server at another address.
//
//     node openwhisk_peer.cjs NODE_MODULES URL KEY SINCE_MS UPTO_MS
//
// Prints one line of JSON: how many activations came and how many of them are distinct, how many log lines they have, what a
// list without documents lacks, and how the server words a limit that is too high and a key that it does not know.
const { createRequire } = require('node:module');
const [modules, api, key, since, upto] = process.argv.slice(2);
const openwhisk = createRequire(`${modules}/`)('openwhisk');

const client = (api_key) => openwhisk({ api: `${api}/api/v1/`, api_key, namespace: '_' });
const refusal = (asked) => asked.then(() => null, (error) => ({ status: error.statusCode, error: error.error?.error }));

(async () => {
  const activations = client(key).activations;
  const window = { since: Number(since), upto: Number(upto) };
  const all = [];
  for (;;) {
    const page = await activations.list({ ...window, docs: true, limit: 200, skip: all.length });
    all.push(...page);
    if (page.length < 200) break;
  }
  const [bare] = await activations.list({ ...window, docs: false, limit: 1 });
  const whole = all[0];
  console.log(JSON.stringify({
    activations: all.length,
    distinct: new Set(all.map((activation) => activation.activationId)).size,
    lines: all.reduce((lines, activation) => lines + activation.logs.length, 0),
    newest_first: all.every((activation, n) => n === 0 || all[n - 1].start >= activation.start),
    by_default: (await activations.list(window)).length,
    at_zero: (await activations.list({ ...window, limit: 0 })).length,
    of_one: (await activations.list({ ...window, limit: 200, name: whole.name })).every((one) => one.name === whole.name),
    lacking: Object.keys(whole).filter((name) => !(name in bare)).sort(),
    too_many: await refusal(activations.list({ ...window, limit: 201 })),
    unknown_key: await refusal(client('nobody:nothing').activations.list(window)),
  }));
})();
