import type Provider from 'oidc-provider';

type Session = InstanceType<Provider['Session']> & { signedInNow?: boolean };
type Sessions = { instantiate(payload?: object): Session };

/**
 * A session gets another id when somebody signs in: one that was planted in the browser is worth nothing then. The
 * engine gives it one whenever a browser comes back, consent included. But requests of other tabs are on their way with
 * the id from before, and a sign-out would end that one alone.
 */
export function changeSessionIdsAtSignIn(provider: Provider): void {
  const sessions = provider.Session as unknown as Sessions & { readonly prototype: Session };
  const { loginAccount, resetIdentifier } = sessions.prototype;
  Object.assign(sessions.prototype, {
    loginAccount(this: Session, login: Parameters<typeof loginAccount>[0]) {
      // The engine repeats the sign-in with what a person answers afterwards, perhaps after another one in another tab.
      const { accountId, loginTs = Number.NaN } = this;
      if (accountId === login.accountId && loginTs >= (login.loginTs ?? Number.NaN)) return;
      this.signedInNow = true;
      loginAccount.call(this, login);
    },
    resetIdentifier(this: Session) {
      if (this.signedInNow) resetIdentifier.call(this);
    },
  });
  forgetEndedSessions(sessions);
}

/**
 * Whoever comes with the id of a session that is gone is nobody, and no session is made of it: the engine would put an
 * empty one into the cookie, over the one that another tab has just signed in to.
 */
function forgetEndedSessions(sessions: Sessions): void {
  const { instantiate } = sessions;
  sessions.instantiate = function withoutEmptyOnes(this: Sessions, payload) {
    const isEmpty = payload !== undefined && Object.keys(payload).length === 0;
    return instantiate.call(this, isEmpty ? undefined : payload);
  };
}
