// One process of one function: `node host.js FUNCTION http|topic`; says on standard error when it is ready, and its port.
const http = require('http')
const Redis = require('ioredis')

const [name, kind] = process.argv.slice(2)
const handlers = require(`./${name}.js`)

async function trigger () {
  const topic = new Redis(process.env.REDIS_ENDPOINT)
  for (;;) {
    const popped = await topic.brpop(`topic:${name}`, 0)
    await handlers.lambdaHandler(JSON.parse(popped[1]), {})
  }
}

if (kind === 'topic') {
  trigger()
  process.stderr.write('ready 0\n')
} else {
  const server = http.createServer({ keepAliveTimeout: 30000 }, handlers.openfaasHandler)
  server.listen(0, '127.0.0.1', () => process.stderr.write(`ready ${server.address().port}\n`))
}
