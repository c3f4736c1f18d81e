// Writes three invented hours of an invented fleet in OpenMetrics, for the pictures in docs. Families, labels and series are those
// of a real page of metrics, which is the first argument; the second is the file to write, the third its last second. What
// happens is invented, and the same each time: a container that is at its memory limit again and again, a crash loop after a deployment,
// and a clean-up script that kills too much.
import { createWriteStream, readFileSync } from 'node:fs';

const [page, out, end] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const STEP = 30;
// With a little before, so that rates have something to begin with.
const N_STEPS = (3 * 3600 + 900) / STEP;
const HOSTS = ['db-1', 'db-2', 'web-1', 'web-2', 'web-3', 'ci-1', 'batch-1', 'edge-1'];

// Always the same numbers, see mulberry32.
let seed = 20;
function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const poisson = (mean) => {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * (random() + random() + random() - 1.5) * 2));
  let [n, p, limit] = [0, random(), Math.exp(-mean)];
  while (p > limit) [n, p] = [n + 1, p * random()];
  return n;
};

// Per second on a usual host, by a part of the series.
const USUAL = [
  ['kill_calls_total{signal="0",result="ok"', 1.4],
  ['kill_calls_total{signal="SIGTERM",result="ok"', 0.03],
  ['kill_calls_total{signal="SIGKILL",result="ok"', 0.004],
  ['kill_calls_total{signal="SIGHUP",result="ok"', 0.006],
  ['kill_calls_total{signal="SIGUSR1",result="ok"', 0.05],
  ['kill_calls_total{signal="SIGURG",result="ok"', 2.2],
  ['kill_calls_total{signal="SIGTERM",result="ESRCH"', 0.004],
  ['kill_calls_by_syscall_total{syscall="kill",result="ok"', 1.5],
  ['kill_calls_by_syscall_total{syscall="tgkill",result="ok"', 2.3],
  ['kill_calls_by_syscall_total{syscall="pidfd_send_signal",result="ok"', 0.05],
  ['signals_total{signal="SIGKILL",origin="kill"', 0.004],
  ['signals_total{signal="SIGTERM",origin="kill"', 0.03],
  ['signals_total{signal="SIGCHLD",origin="child",outcome="delivered"', 1.9],
  ['signals_total{signal="SIGCHLD",origin="child",outcome="ignored"', 0.8],
  ['deaths_total{signal="SIGTERM",cause="kill",core_dumped="false"', 0.004],
  ['deaths_total{signal="SIGPIPE",cause="pipe",core_dumped="false"', 0.0012],
  ['deaths_total{signal="SIGKILL",cause="cgroup_kill",core_dumped="false"', 0.0006],
  ['events_produced_total{class="kill_call"', 3.8],
  ['events_produced_total{class="death"', 0.007],
  ['events_delivered_total{sink="otlp"', 3.8],
  ['program_run_count_total', 180],
  ['process_cpu_seconds_total', 0.004],
];

// How busy a host is.
const BUSY = { 'ci-1': 6, 'batch-1': 3, 'edge-1': 0.5 };

// What happens beside: host, from and to in minutes before the end, mean per minute, and all series that count it.
const container = (pod, name, signal, cause) =>
  `killsnoop_container_deaths_total{namespace="${pod.split('/')[0]}",pod="${pod.split('/')[1]}",container="${name}",signal="${signal}",cause="${cause}"}`;
const STORIES = [
  {
    host: 'web-2', from: 70, to: 0, perMinute: 0.35,
    counts: ['deaths_total{signal="SIGKILL",cause="oom_memcg",core_dumped="false"', 'oom_kills_total{scope="memcg"', 'signals_total{signal="SIGKILL",origin="oom"', 'events_produced_total{class="oom_kill"'],
    inside: [container('shop/cart-6c9d8', 'worker', 'SIGKILL', 'oom_memcg')],
  },
  {
    host: 'web-3', from: 45, to: 0, perMinute: 0.5,
    counts: ['deaths_total{signal="SIGSEGV",cause="fault",core_dumped="true"', 'signals_total{signal="SIGSEGV",origin="fault"'],
    inside: [container('shop/search-58fd7', 'index', 'SIGSEGV', 'fault')],
  },
  {
    host: 'ci-1', from: 180, to: 0, perMinute: 0.12,
    counts: ['deaths_total{signal="SIGABRT",cause="abort",core_dumped="false"'],
    inside: [container('ci/runner-0', 'build', 'SIGABRT', 'abort')],
  },
  {
    host: 'ci-1', from: 180, to: 0, perMinute: 0.3,
    counts: ['deaths_total{signal="SIGKILL",cause="kill",core_dumped="false"', 'kill_calls_total{signal="SIGKILL",result="ok"'],
    inside: [container('ci/runner-1', 'build', 'SIGKILL', 'kill')],
  },
  {
    host: 'batch-1', from: 14, to: 2, perMinute: 5,
    counts: ['deaths_total{signal="SIGKILL",cause="kill",core_dumped="false"', 'kill_calls_total{signal="SIGKILL",result="ok"', 'signals_total{signal="SIGKILL",origin="kill"'],
    inside: [container('etl/import-27411', 'load', 'SIGKILL', 'kill')],
  },
  { host: 'batch-1', from: 16, to: 2, perMinute: 90, counts: ['kill_calls_total{signal="SIGKILL",result="ESRCH"', 'kill_calls_by_syscall_total{syscall="kill",result="error"'], inside: [] },
  { host: 'edge-1', from: 120, to: 40, perMinute: 11, counts: ['kill_calls_total{signal="SIGTERM",result="EPERM"', 'kill_calls_by_syscall_total{syscall="kill",result="error"'], inside: [] },
  { host: 'db-2', from: 96, to: 95, perMinute: 2, counts: ['deaths_total{signal="SIGKILL",cause="oom_global",core_dumped="false"', 'oom_kills_total{scope="global"'], inside: [] },
  { host: 'web-1', from: 150, to: 100, perMinute: 0.1, counts: ['deaths_total{signal="SIGKILL",cause="pidns_exit",core_dumped="false"'], inside: [container('shop/web-7d9f', 'nginx', 'SIGTERM', 'kill')] },
];

// Values of what is no counter.
function gauge(series, host, step) {
  if (series.startsWith('killsnoop_map_entries')) return series.includes('KILLS') ? 396 : 900 + 40 * Math.sin(step / 20);
  if (series.startsWith('killsnoop_events_pending')) return Math.floor(random() * 3);
  if (series.startsWith('process_resident_memory_bytes')) return 13e6 + HOSTS.indexOf(host) * 4e5 + Math.floor(random() * 9e4);
  if (series.startsWith('killsnoop_scrape_duration_seconds')) return 0.0006 + random() * 0.0003;
  if (series.startsWith('killsnoop_program_attached')) return 1;
  if (series.startsWith('killsnoop_feature_available')) return series.includes('compat') && host !== 'db-1' ? 0 : 1;
  return undefined;
}

// Each family with its kind and the series of the page.
const families = new Map();
for (const line of readFileSync(page, 'utf8').split('\n')) {
  const [, kind, family] = line.match(/^# (TYPE) (\S+)/) ?? [];
  if (kind) families.set(family, { counter: line.endsWith(' counter'), series: [] });
  else if (line && !line.startsWith('#')) families.get(line.match(/^\w+/)[0]).series.push([line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]);
}
families.get('killsnoop_container_deaths_total').series = [];
for (const story of STORIES) for (const series of story.inside) families.get('killsnoop_container_deaths_total').series.push([series, 0]);
families.set('up', { counter: false, series: [['up', 1]] });
families.set('scrape_duration_seconds', { counter: false, series: [['scrape_duration_seconds', 0.004]] });
families.set('scrape_samples_scraped', { counter: false, series: [['scrape_samples_scraped', 259]] });

const cluster = (host) => (/^(ci|batch)/.test(host) ? 'build' : 'shop');
const labelled = (series, host) => {
  const labels = `cluster="${cluster(host)}",job="killsnoop",instance="${host}:9435"`;
  return series.endsWith('}') ? series.slice(0, -1) + `,${labels}}` : `${series}{${labels}}`;
};

// How much a counter grows in a step.
function growth(series, host, minutesLeft) {
  const usual = USUAL.find(([part]) => series.includes(part));
  if (series.startsWith('process_cpu')) return usual[1] * STEP * (0.8 + 0.4 * random()) * (BUSY[host] ?? 1) ** 0.5;
  // The day has its ups and downs.
  const wave = 1 + 0.3 * Math.sin(minutesLeft / 25 + HOSTS.indexOf(host));
  return usual ? poisson(usual[1] * STEP * wave * (BUSY[host] ?? 1)) : 0;
}

const counts = new Map();
const add = (key, n) => counts.set(key, (counts.get(key) ?? 0) + n);
const lines = new Map([...families.keys()].map((family) => [family, new Map()]));
for (let step = 0; step <= N_STEPS; step += 1) {
  const time = end - (N_STEPS - step) * STEP;
  const minutesLeft = (end - time) / 60;
  for (const story of STORIES) {
    const n = minutesLeft <= story.from && minutesLeft > story.to ? poisson((story.perMinute * STEP) / 60) : 0;
    for (const part of [...story.counts, ...story.inside]) add(`${story.host} ${part}`, n);
  }
  for (const host of HOSTS)
    for (const [family, { counter, series }] of families)
      for (const [name, first] of series) {
        const key = labelled(name, host);
        if (counter) add(key, growth(name, host, minutesLeft));
        const told = STORIES.filter((story) => story.host === host);
        const parts = new Set(told.flatMap((story) => [...story.counts, ...story.inside]).filter((part) => name.includes(part)));
        const more = [...parts].reduce((sum, part) => sum + (counts.get(`${host} ${part}`) ?? 0), 0);
        const value = counter ? (counts.get(key) ?? 0) + more : (gauge(name, host, step) ?? first);
        // A container has no series before its first death.
        if (family === 'killsnoop_container_deaths_total' && value === 0) continue;
        const points = lines.get(family);
        points.set(key, (points.get(key) ?? '') + `${key} ${value} ${time}\n`);
      }
}

const file = createWriteStream(out);
for (const [family, { counter }] of families) {
  file.write(`# TYPE ${counter ? family.replace(/_total$/, '') : family} ${counter ? 'counter' : 'gauge'}\n`);
  for (const points of lines.get(family).values()) file.write(points);
}
file.end('# EOF\n');
