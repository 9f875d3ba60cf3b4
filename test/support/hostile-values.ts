/** What stands where a member of a body should be. Written as JSON: `__proto__` and lone surrogates arrive as they are. */
export const HOSTILE_MEMBERS: Readonly<Record<string, string>> = {
  null: 'null',
  'a truth value': 'true',
  'a number below zero': '-1',
  'a fraction': '0.5',
  'a number beyond all others': '1e999',
  'a whole number that is not exact': '9007199254740993',
  'an empty text': '""',
  'a blank': '" "',
  'a text that is too long': JSON.stringify('x'.repeat(20_000)),
  'a NUL': '"a\\u0000b"',
  'escape sequences': '"\\u001b[31m\\u0007"',
  'line breaks': '"a\\r\\nSet-Cookie: b"',
  'half a character': '"\\ud800"',
  'text that turns around': '"\\u202egnirts"',
  'characters of many scripts': '"é 猫 🦊 e\\u0301 ﷽"',
  'the name of a prototype': '"__proto__"',
  'the name of a constructor': '"constructor:prototype:x"',
  'a method of objects': '"toString"',
  'what databases are told': `"'; DROP TABLE agents; --"`,
  'an empty list': '[]',
  'an empty object': '{}',
  'lists in a list': '[[[null]]]',
  'a list of odd texts': '["__proto__", "\\u0000", "", " ", "constructor:x:y", "\\ud800"]',
  'a list of one thing twice': '["example:read", "example:read"]',
  'a huge list': JSON.stringify(Array.from({ length: 6000 }, (_, i) => `x${i}`)),
  'a prototype': '{"__proto__": {"admin": true}, "constructor": {"prototype": {"admin": true}}}',
  'lists nested deeply': `${'['.repeat(15_000)}${']'.repeat(15_000)}`,
  'objects nested deeply': `${'{"a":'.repeat(8000)}1${'}'.repeat(8000)}`,
};

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';
type Body = readonly [type: string, body: string | Uint8Array<ArrayBuffer>];

/** What stands where a whole body should be. */
export const HOSTILE_BODIES: Readonly<Record<string, Body>> = {
  nothing: [JSON_TYPE, ''],
  'half of JSON': [JSON_TYPE, '{"name": "'],
  null: [JSON_TYPE, 'null'],
  'a number': [JSON_TYPE, '7'],
  'a text': [JSON_TYPE, '"name"'],
  'a list': [JSON_TYPE, '[{"name": "a"}]'],
  'lists nested deeply': [JSON_TYPE, `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
  'objects nested deeply': [JSON_TYPE, `${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}`],
  'names of prototypes': [
    JSON_TYPE,
    '{"__proto__": {"a": 1}, "constructor": {}, "toString": 1, "hasOwnProperty": 0}',
  ],
  'thousands of members': [
    JSON_TYPE,
    JSON.stringify(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`m${i}`, i]))),
  ],
  'names of many scripts': [JSON_TYPE, '{"é猫🦊\\ud800\\u0000": 1, "": 2}'],
  'more than is read': [JSON_TYPE, JSON.stringify({ name: 'x'.repeat(70_000) })],
  'bytes that are no text': [JSON_TYPE, new Uint8Array([0x7b, 0xff, 0xfe, 0xc0, 0x80, 0x7d])],
  'a form of prototypes': [FORM, '__proto__=1&constructor[prototype]=2&toString=3'],
  'a form that repeats itself': [FORM, 'name=a&name=b'],
  'thousands of fields': [FORM, Array.from({ length: 9000 }, (_, i) => `m${i}`).join('&')],
  'broken percent signs': [FORM, '%=%zz&%00=%00&name=%ed%a0%80'],
  XML: ['application/xml', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'],
  'another character set': ['application/json; charset=utf-16', '{}'],
  'a broken content type': ['/;;charset', '{}'],
};

/** What stands where a parameter of a path should be. */
export const HOSTILE_SEGMENTS: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  '%00',
  'a%0d%0aSet-Cookie:b',
  '%ed%a0%80',
  '%',
  '%zz',
  '%f0%9f%a6%8a',
  '%e2%80%aegnirts',
  '..%2f..%2fetc%2fpasswd',
  "'%20OR%201=1--",
  '*',
  '%20',
  'x'.repeat(5000),
  '9'.repeat(400),
];

/** What stands where a value of the query should be. */
export const HOSTILE_QUERIES: readonly string[] = [
  '',
  '-1',
  '0',
  '1e999',
  '0x10',
  '9'.repeat(400),
  'null',
  '__proto__',
  'constructor',
  '%00',
  '%ed%a0%80',
  '%',
  '%f0%9f%a6%8a',
  "'%20OR%201=1--",
  '%7b%22a%22:1%7d',
  'W10',
  'x'.repeat(3000),
];
