// `node platform.js OUT REDIS`: starts every function in a process of its own and a gateway before them, prints the
// gateway's URL, and goes on until its standard input ends. Then it leaves in OUT what a benchmark's log scripts would:
// a log for each provider, experiment.json, deployment_id.txt; and in truth.json what the gateway saw of clients.
const { spawn } = require('child_process')
const fs = require('fs')
const http = require('http')
const path = require('path')

const [out, redis] = process.argv.slice(2)
const deployment = 'e2eDeployment'
const functions = { frontdoor: 'openfaas', price: 'openfaas', stock: 'openfaas', publisherAws: 'aws', receipt: 'aws' }
const triggered = ['receipt']
const ports = {}
const children = []
const lines = { openfaas: [], aws: [] }
const truth = []
let lastLine = Date.now()

// As Lambda's log groups and OpenFaaS's watchdog have lines.
const shapes = {
  aws: line => JSON.stringify({ timestamp: Date.now(), message: `${line}\n`, ingestionTime: Date.now() }),
  openfaas: line => line
}

// Starts a function; resolves when it is ready.
function start (name, endpoints) {
  const provider = functions[name]
  const own = provider === 'aws' ? { AWS_LAMBDA_FUNCTION_NAME: name } : { IS_OPENFAAS: '1' }
  const env = { ...process.env, ...endpoints, ...own, BEFAAS_FN_NAME: name, BEFAAS_DEPLOYMENT_ID: deployment }
  const child = spawn(process.execPath, [path.join(__dirname, 'host.js'), name, triggered.includes(name) ? 'topic' : 'http'], {
    env: { ...env, REDIS_ENDPOINT: redis },
    cwd: __dirname,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let rest = ''
  child.stdout.on('data', text => {
    lastLine = Date.now()
    const whole = (rest + text).split('\n')
    rest = whole.pop()
    lines[provider].push(...whole.map(shapes[provider]))
  })
  return new Promise((resolve, reject) => {
    child.on('exit', code => reject(new Error(`${name} ended with ${code}`)))
    child.stderr.on('data', text => {
      const ready = /^ready (\d+)/.exec(text)
      if (!ready) return process.stderr.write(text)
      ports[name] = Number(ready[1])
      children.push(child)
      resolve()
    })
  })
}

// /<function>/<path> to the function's process, /<path> there.
function gateway () {
  const agent = new http.Agent({ keepAlive: true })
  return http.createServer({ keepAliveTimeout: 30000 }, (request, response) => {
    const [, name, rest] = /^\/([^/]+)(\/.*)$/.exec(request.url) || []
    if (!ports[name]) return response.writeHead(404).end()
    const fromClient = !/node-fetch/.test(request.headers['user-agent'] || '')
    const options = { host: '127.0.0.1', port: ports[name], path: rest, method: request.method, headers: request.headers }
    const forward = http.request({ ...options, agent }, answer => {
      if (fromClient) {
        const { 'x-context': context, 'x-pair': pair } = request.headers
        truth.push({ context, pair, method: request.method, url: request.url, status: answer.statusCode })
      }
      response.writeHead(answer.statusCode, answer.headers)
      answer.pipe(response)
    })
    forward.on('error', () => response.writeHead(502).end())
    request.pipe(forward)
  })
}

async function main () {
  const server = gateway()
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}`
  await start('publisherAws', {})
  const endpoints = {
    OPENFAAS_ENDPOINT: url,
    PUBLISHER_AWS_ENDPOINT: `http://127.0.0.1:${ports.publisherAws}/publisherAws`
  }
  const others = Object.keys(functions).filter(name => name !== 'publisherAws')
  await Promise.all(others.map(name => start(name, endpoints)))
  process.stdout.write(`${url}\n`)
  process.stdin.resume()
  await new Promise(resolve => process.stdin.on('end', resolve))
  while (Date.now() - lastLine < 500) await new Promise(resolve => setTimeout(resolve, 50))
  children.forEach(child => child.kill())
  for (const [provider, own] of Object.entries(lines)) {
    fs.writeFileSync(path.join(out, `${provider}.log`), own.map(line => `${line}\n`).join(''))
  }
  fs.copyFileSync(path.join(__dirname, 'experiment.json'), path.join(out, 'experiment.json'))
  fs.writeFileSync(path.join(out, 'deployment_id.txt'), `${deployment}\n`)
  fs.writeFileSync(path.join(out, 'truth.json'), JSON.stringify(truth))
  process.exit(0)
}

main().catch(error => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
