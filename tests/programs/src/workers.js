// SPDX-License-Identifier: MIT
// Four threads with code that is worth compiling, a child, and native modules of node itself.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');

function sum(from, to) {
	let total = 0n, part = 0;
	for (let i = from; i < to; i++) {
		part += i;
		if (part > 2 ** 52) {
			total += BigInt(part);
			part = 0;
		}
	}
	return total + BigInt(part);
}

function inWorker(part) {
	return new Promise((resolve, reject) => {
		const worker = new Worker(__filename, { workerData: part });
		worker.on('message', resolve);
		worker.on('error', reject);
	});
}

async function main() {
	const each = 25000000;
	const parts = [0, 1, 2, 3].map((i) => inWorker([i * each + 1, (i + 1) * each + 1]));
	const total = (await Promise.all(parts)).reduce((a, b) => a + b);
	console.log('sum', String(total));
	console.log(require('crypto').createHash('sha256').update('abc').digest('hex'));
	console.log(require('zlib').gunzipSync(require('zlib').gzipSync('packed')).toString());
	console.log(require('child_process').execFileSync('/bin/echo', ['child']).toString().trim());
	console.log(new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])) && 'wasm');
}

if (isMainThread)
	main();
else
	parentPort.postMessage(sum(...workerData));
