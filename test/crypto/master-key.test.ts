import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadMasterKey } from '../../src/crypto/master-key.ts';

const ENCODED = Buffer.alloc(32, 5).toString('base64url');

describe('the master key', () => {
  let root = '';
  let dataDir = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'taskgrant-key-'));
    dataDir = root;
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const load = (isProduction: boolean, encryptionKey?: string) =>
    loadMasterKey({ dataDir, isProduction, encryptionKey });

  test('is the setting where there is one, and nothing is written then', () => {
    expect(load(false, ENCODED)).toEqual(Buffer.alloc(32, 5));
    expect(load(true, `${ENCODED}=`)).toEqual(Buffer.alloc(32, 5));
    expect(readdirSync(dataDir)).toEqual([]);
  });

  test.each(['', 'short', `${ENCODED}A`, ENCODED.slice(1), ENCODED.replace(/^./, '+')])(
    'is refused as %p, without showing it',
    (value) => {
      expect(() => load(false, value)).toThrow(/^ENCRYPTION_KEY must be 32 bytes in base64url/);
      if (value !== '') expect(() => load(false, value)).not.toThrow(value);
    },
  );

  test('is made once in development, for its owner alone, and found again', () => {
    dataDir = join(root, 'not', 'there', 'yet');
    const made = load(false);
    expect(made).toHaveLength(32);
    expect(load(false)).toEqual(made);
    expect(readdirSync(dataDir)).toEqual(['encryption.key']);
    expect(statSync(join(dataDir, 'encryption.key')).mode & 0o777).toBe(0o600);
  });

  test('is never made in production, but a file is read there', () => {
    expect(() => load(true)).toThrow(/^ENCRYPTION_KEY must be set in production/);
    expect(readdirSync(dataDir)).toEqual([]);
    const made = load(false);
    expect(load(true)).toEqual(made);
  });

  test('is refused in production where everybody can read it', () => {
    load(false);
    chmodSync(join(dataDir, 'encryption.key'), 0o644);
    expect(() => load(true)).toThrow(/chmod 600/);
  });

  test('is never replaced when the file is damaged', () => {
    writeFileSync(join(dataDir, 'encryption.key'), '');
    expect(() => load(false)).toThrow(/encryption\.key must be 32 bytes/);
  });
});
