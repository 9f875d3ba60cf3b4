/**
 * Import direction, checked by `npm run boundaries`:
 *
 *   start → main → serve or workers → build → everything; beside them runtime (what Node is told before it meets the
 *   sources), process (arguments, signals, sockets, what a start prints) and composition (parts of what build puts together)
 *   http, oidc, cli → app → domain → nothing
 *   store, crypto, audit, limits, network → app/ports and app/unit-of-work, domain
 *   http, oidc, store, crypto, audit, limits and network never import one another
 *   within the store: store.ts and database.ts → commit, schema → tables → ledger → waiting, connection → sql
 *   config and log are for main, build and cli; everything else gets settings and a logger through app; of the domain,
 *   config knows what a permission is and which ones there always are, and what is an address, a password, an audience;
 *   log knows what text must not hold
 */

/** For each folder or file directly under src/, what else under src/ it may import. */
const ALLOWED = {
  'start.js': [
    'runtime/compile-cache.js',
    'runtime/compiled-sources.js',
    'main.ts',
    'runtime/thread-pool.js',
  ],
  'main.ts': [
    'process/command-line.ts',
    'runtime/compile-cache.js',
    'process/end-process.ts',
    'runtime/repaired-json-parse.ts',
    'serve.ts',
    'process/signals.ts',
    'process/welcome.ts',
    'workers/',
    'config/',
  ],
  'serve.ts': ['build.ts', 'process/draining-server.ts', 'process/http-server.ts', 'config/'],
  'workers/': [
    'build.ts',
    'runtime/compile-cache.js',
    'process/end-process.ts',
    'runtime/repaired-json-parse.ts',
    'process/first-start.ts',
    'serve.ts',
    'process/signals.ts',
    'process/welcome.ts',
    'app/',
    'config/',
    'log/',
  ],
  'document-api.ts': ['build.ts', 'config/'],
  'build.ts': ['(?!start[.]js$|compile[.]js$|main[.]ts$)'],
  'runtime/compile.js': [
    'runtime/compile-cache.js',
    'runtime/compiled-sources.js',
    'main.ts',
    'config/',
    'serve.ts',
    'process/welcome.ts',
    'workers/',
    'store/schema/migrate.ts',
    'store/commit/plain/commit-worker.ts',
  ],
  'runtime/compiled-sources.js': [],
  'runtime/compile-cache.js': [],
  'runtime/thread-pool.js': [],
  'runtime/repaired-json-parse.ts': [],
  'process/command-line.ts': [],
  'process/draining-server.ts': [],
  'process/end-process.ts': [],
  'process/first-start.ts': ['app/', 'config/'],
  'process/http-server.ts': [],
  'process/signals.ts': ['process/end-process.ts'],
  'process/welcome.ts': ['app/', 'config/'],
  'composition/app-settings.ts': ['app/', 'config/', 'domain/'],
  'composition/follow-keys.ts': ['crypto/', 'domain/shared-run.ts'],
  'composition/status-lists.ts': ['app/', 'config/', 'crypto/'],
  'composition/upkeep.ts': ['app/', 'crypto/'],
  'composition/webhooks.ts': ['app/', 'config/', 'crypto/', 'log/', 'network/', 'store/'],
  'cli/': [
    'build.ts',
    'runtime/compile-cache.js',
    'runtime/repaired-json-parse.ts',
    'config/',
    'log/',
    'app/',
    'domain/',
  ],
  'http/': ['app/', 'domain/'],
  'oidc/': ['app/', 'domain/'],
  'store/': ['app/ports.ts', 'app/ports/', 'app/unit-of-work.ts', 'app/artifact.ts', 'domain/'],
  'crypto/': ['app/ports.ts', 'app/ports/', 'app/unit-of-work.ts', 'app/artifact.ts', 'domain/'],
  'audit/': ['app/ports.ts', 'app/ports/', 'app/unit-of-work.ts', 'app/artifact.ts', 'domain/'],
  'limits/': ['app/ports.ts', 'app/ports/', 'domain/'],
  'network/': ['app/ports.ts', 'app/ports/', 'domain/'],
  'app/': ['domain/'],
  'domain/': [],
  'config/': [
    'domain/audience.ts',
    'domain/built-in-catalogue.ts',
    'domain/email-address.ts',
    'domain/password.ts',
    'domain/permission.ts',
    'domain/policy/policy.ts',
  ],
  'log/': ['app/ports.ts', 'domain/shown-text.ts'],
};

/** The same for the folders of src/store/; what stands beside them puts them together, and is imported by none. */
const ALLOWED_IN_STORE = {
  'sql/': [],
  'waiting/': ['sql/'],
  'connection/': ['sql/'],
  'ledger/': ['sql/', 'waiting/'],
  'tables/': ['ledger/', 'sql/', 'waiting/'],
  'commit/': ['connection/', 'ledger/', 'sql/', 'tables/', 'waiting/'],
  'schema/': ['connection/', 'sql/'],
};

const pattern = (name) => name.replace(/(?<!\[)\.ts$/, '[.]ts$');
const own = (name) => `^src/${pattern(name)}`;

const direction = Object.entries(ALLOWED).map(([name, allowed]) => ({
  name: `direction-${name.replace(/\/$|\.ts$/, '')}`,
  comment: `src/${name} may import only ${[name, ...allowed].join(', ')} of src/.`,
  severity: 'error',
  from: { path: own(name) },
  to: { path: '^src/', pathNot: [name, ...allowed].map(own) },
}));

const directionInStore = Object.entries(ALLOWED_IN_STORE).map(([name, allowed]) => ({
  name: `direction-store-${name.replace(/\/$/, '')}`,
  comment: `src/store/${name} may import only ${[name, ...allowed].join(', ')} of src/store/.`,
  severity: 'error',
  from: { path: `^src/store/${name}` },
  to: { path: '^src/store/', pathNot: [name, ...allowed].map((other) => `^src/store/${other}`) },
}));

const KNOWN = Object.keys(ALLOWED).map(own);
const DATABASE_DRIVERS = 'node_modules/(knex|pg|better-sqlite3)/';

module.exports = {
  forbidden: [
    ...direction,
    ...directionInStore,
    {
      name: 'every-folder-has-a-direction',
      comment: 'A new folder under src/ gets its line in ALLOWED first.',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: KNOWN },
    },
    {
      name: 'every-folder-has-a-direction-from',
      comment: 'A new folder under src/ gets its line in ALLOWED first.',
      severity: 'error',
      from: { path: '^src/', pathNot: KNOWN },
      to: {},
    },
    {
      name: 'sdk-stands-alone',
      comment: 'What others install knows nothing of the server.',
      severity: 'error',
      from: { path: '^sdk/' },
      to: { path: '^(src|test|bench|examples)/' },
    },
    {
      name: 'domain-is-pure',
      comment: 'The domain imports neither packages nor Node modules.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: '^src/' },
    },
    {
      name: 'sql-stays-in-the-store',
      comment: 'Only src/store and the migrations speak to a database.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/store/' },
      to: { path: DATABASE_DRIVERS },
    },
    {
      name: 'app-knows-no-framework',
      comment: 'Use cases reach the outside through app/ports.ts and app/ports/.',
      severity: 'error',
      from: { path: '^src/app/' },
      to: { path: 'node_modules/(koa|@koa|koa-[^/]+|oidc-provider|winston[^/]*|jose)/' },
    },
    {
      name: 'engine-internals-in-one-place',
      comment: 'Only src/oidc/internals.ts may reach behind the public interface of oidc-provider.',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: '^src/oidc/internals[.]ts$' },
      to: { path: 'node_modules/oidc-provider/lib/(?!index[.]js$)' },
    },
    {
      name: 'product-never-imports-tests',
      severity: 'error',
      from: { path: '^(src|migrations)/' },
      to: { path: '^(test|examples|bench)/' },
    },
    {
      name: 'product-has-no-dev-dependencies',
      severity: 'error',
      from: { path: '^(src|migrations)/' },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/@types/',
      },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // The TypeScript 7 compiler has no parser interface; SWC reads the sources instead.
    parser: 'swc',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.json'],
    },
  },
};
