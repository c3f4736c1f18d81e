// Bundles page.jsx into one script. First argument: the folder that has node_modules; second: the script to write.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [installed, out] = process.argv.slice(2);
const { build } = createRequire(join(installed, 'package.json'))('esbuild');
// Some of what Grafana's parts depend on has its component as `default` of what it exports, which a bundler sees in this form alone.
const asCommonJs = {
  name: 'as CommonJS',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^@grafana\/(data|ui)(\/unstable)?$/ }, ({ path }) => {
      const [scope, name, part = 'index'] = path.split('/');
      return { path: join(installed, 'node_modules', scope, name, 'dist/cjs', `${part}.cjs`) };
    }),
};

await build({
  entryPoints: [new URL('page.jsx', import.meta.url).pathname],
  nodePaths: [join(installed, 'node_modules')],
  plugins: [asCommonJs],
  bundle: true,
  outfile: out,
  format: 'iife',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
  loader: { '.svg': 'dataurl', '.png': 'dataurl', '.woff2': 'dataurl', '.gif': 'dataurl', '.ttf': 'empty' },
  logLevel: 'error',
});
