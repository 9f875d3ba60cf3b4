// What `import … from '@jest/globals'` imports.

type Globals = Readonly<Record<string, object>>;

let current: Globals = {};

/** From now on they are those of the suite that Jest is about to run. */
export function useGlobals(globals: Globals): void {
  current = globals;
}

/** Modules stay loaded from suite to suite; none may keep the functions of the suite that loaded it. */
function ofTheSuite(name: string): unknown {
  const named = (): object => current[name] as object;
  return new Proxy(named, {
    apply: (_, self, given) => Reflect.apply(named() as () => unknown, self, given),
    get: (_, member) => Reflect.get(named(), member),
  });
}

export const afterAll = ofTheSuite('afterAll');
export const afterEach = ofTheSuite('afterEach');
export const beforeAll = ofTheSuite('beforeAll');
export const beforeEach = ofTheSuite('beforeEach');
export const describe = ofTheSuite('describe');
export const expect = ofTheSuite('expect');
export const it = ofTheSuite('it');
export const jest = ofTheSuite('jest');
export const test = ofTheSuite('test');
