import { createServer } from 'node:http';

/** A process of its own: Node's HTTP alone, which answers everything with the page that its second argument names. */
const [, , port = '', url = ''] = process.argv;
const page = await fetch(url);
const body = await page.text();
const headers = { 'content-type': page.headers.get('content-type') ?? '', 'content-length': Buffer.byteLength(body), 'cache-control': page.headers.get('cache-control') ?? '', etag: page.headers.get('etag') ?? '' };

const server = createServer((_request, response) => {
  response.writeHead(200, headers).end(body);
});
// It ends with who started it.
process.once('disconnect', () => process.exit(0));
server.listen(Number(port), '127.0.0.1');
