/** What scopes of OpenID Connect mean to a person (OpenID Connect Core §5.4, §11). */
export const IDENTITY_DESCRIPTIONS: Readonly<Record<string, string>> = {
  openid: 'Know that it is you: your user id here',
  profile: 'See your name',
  email: 'See your e-mail address',
  offline_access: 'Go on while you are away, until the end below',
};

/** Without `openid` the client could not read the answer; whether it may refresh is settled by its registration. */
export function isFixed(scope: string): boolean {
  return scope === 'openid' || saysHowLong(scope);
}

/** Says how long, not what: alone it grants nothing. */
export function saysHowLong(scope: string): boolean {
  return scope === 'offline_access';
}
