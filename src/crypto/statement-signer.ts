import type { StatementSigner } from '../app/ports/statements.ts';
import { createJwsSigner, type JwsSigner } from './jws.ts';
import type { Keyring } from './keyring.ts';

/** Signs with the key that signs access tokens; the type in the header tells them apart (RFC 8725 §3.11). */
export function createStatementSigner(keyring: Pick<Keyring, 'current'>): StatementSigner {
  const signers = new Map<string, JwsSigner>();
  return {
    sign(type, claims) {
      let sign = signers.get(type);
      if (!sign) signers.set(type, (sign = createJwsSigner(type)));
      return sign(keyring.current(), JSON.stringify(claims));
    },
  };
}
