// Prints the page that page.jsx draws a dashboard on. Arguments: the dashboard's file, the URL of a Prometheus, the instances that
// are chosen, the last second of the history, and the present one.
import { readFileSync } from 'node:fs';

const [file, prometheus, instance, end, now] = process.argv.slice(2);
const dashboard = JSON.parse(readFileSync(file, 'utf8'));
const variables = { cluster: '.*', job: '.*', instance, namespace: '.*', pod: '.*' };
const picture = JSON.stringify({ dashboard, prometheus, variables, end: Number(end), now: Number(now) }).replaceAll('<', '\\u003c');
console.log(`<!doctype html><meta charset="utf-8"><title>waits</title><link rel="stylesheet" href="page.css">
<body style="margin:0;background:#111217"><div id="root"></div>
<script>window.picture=${picture}</script><script src="page.js"></script>`);
