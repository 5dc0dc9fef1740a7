// `node secure.js CERTIFICATE KEY`: a server for HTTP/1.1 and HTTP/2 behind TLS and one for HTTP/2 without. Prints their
// ports, then what each request was.
const fs = require('fs')
const http2 = require('http2')

function answer (request, response) {
  let body = ''
  request.on('data', piece => (body += piece))
  request.on('end', () => {
    const { httpVersion: version, method, url: path, headers } = request
    process.stdout.write(`${JSON.stringify({ version, method, path, headers, body })}\n`)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ version }))
  })
}

const [cert, key] = process.argv.slice(2).map(path => fs.readFileSync(path))
const secure = http2.createSecureServer({ cert, key, allowHTTP1: true }, answer)
const plain = http2.createServer(answer)
secure.listen(0, '127.0.0.1', () =>
  plain.listen(0, '127.0.0.1', () => {
    process.stdout.write(`${secure.address().port} ${plain.address().port}\n`)
  })
)
