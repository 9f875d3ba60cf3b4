#!/usr/bin/env bash
# The authorization code flow with PKCE, played by curl: a person signs in and approves, the client gets its token.
# A real client opens a browser for the person instead (`npm run taskgrant -- login` does); this script stands in for
# the browser with a cookie jar, so that the flow can be pasted and tested. Prints the token response, JSON.
#
#   CLIENT_ID=… CLIENT_SECRET=… REDIRECT_URI=… EMAIL=… PASSWORD=… examples/code-flow.sh [name=value …]
#
# Further arguments go into the authorization request: scope=example:read task_id=trip-42 delegates=agt_…
# ISSUER is http://localhost:3000 unless set. A public client has no CLIENT_SECRET.
set -euo pipefail

ISSUER=${ISSUER:-http://localhost:3000}
: "${CLIENT_ID:?}" "${REDIRECT_URI:?}" "${EMAIL:?}" "${PASSWORD:?}"

files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT
jar=$files/cookies page=$files/page.html

say() { printf '%s\n' "$*" >&2; }

# Follows redirects within the issuer. Afterwards $next is the address of a page of the issuer ($page holds it),
# or the address outside to which the browser was sent.
visit() {
  next=$(curl -sS -b "$jar" -c "$jar" -o "$page" -w '%{redirect_url} %{http_code} %{url_effective}' "$@")
  local redirect=${next%% *} status
  status=${next#* } status=${status%% *}
  if [ -z "$redirect" ]; then
    next=${next##* }
    [ "$status" = 200 ] || { say "the server answered $status: $(text)"; exit 1; }
  elif [[ $redirect == "$ISSUER"/* ]]; then
    visit "$redirect"
  else
    next=$redirect
  fi
}

# What a page of the server complains about, without its markup.
text() { sed -n '/<main>/,/<form\|<.main>/p' "$page" | sed 's/<[^>]*>/ /g' | tr -s ' \n' ' '; }

# The value of a form field on the page.
field() { sed -n "s/.*name=\"$1\" value=\"\([^\"]*\)\".*/\1/p" "$page"; }

# The form's address; $1 is the last part of it.
action() { sed -n "s/.*<form method=\"post\" action=\"\([^\"]*\/$1\)\".*/\1/p" "$page"; }

# Secrets go to curl through a file descriptor: arguments can be read by every user of the machine.
secret() { printf '%s' "$1"; }

verifier=$(node -p "crypto.randomBytes(32).toString('base64url')")
challenge=$(node -p "crypto.createHash('sha256').update('$verifier').digest('base64url')")
state=$(node -p "crypto.randomBytes(16).toString('base64url')")

extra=()
for parameter in "$@"; do extra+=(--data-urlencode "$parameter"); done

say '1. The client sends the browser to the authorization endpoint'
visit --get "$ISSUER/api/oauth/authorize" \
  --data-urlencode response_type=code \
  --data-urlencode "client_id=$CLIENT_ID" \
  --data-urlencode "redirect_uri=$REDIRECT_URI" \
  --data-urlencode "state=$state" \
  --data-urlencode "code_challenge=$challenge" \
  --data-urlencode code_challenge_method=S256 \
  ${extra[@]+"${extra[@]}"}

if [ -n "$(action login)" ]; then
  say "2. $EMAIL signs in"
  visit "$ISSUER$(action login)" \
    --data-urlencode "form_token=$(field form_token)" \
    --data-urlencode "email=$EMAIL" \
    --data-urlencode password@<(secret "$PASSWORD")
fi

if [ -n "$(action consent)" ]; then
  choices=()
  while read -r right; do choices+=(--data-urlencode "scope=$right"); done < <(field scope)
  say "3. and approves: $(field scope | tr '\n' ' ')"
  visit "$ISSUER$(action consent)" \
    --data-urlencode "form_token=$(field form_token)" \
    --data-urlencode "shown=$(field shown)" \
    ${choices[@]+"${choices[@]}"}
fi

# What the client finds in the address that the browser comes back to.
answer() { node -p 'new URL(process.argv[1]).searchParams.get(process.argv[2]) ?? ""' "$next" "$1"; }

[[ $next == "$REDIRECT_URI"* ]] || { say "this is not where the client waits: $next"; exit 1; }
[ "$(answer state)" = "$state" ] || { say 'this is not the answer to our request'; exit 1; }
[ "$(answer iss)" = "$ISSUER" ] || { say 'the answer comes from another server'; exit 1; }
[ -n "$(answer code)" ] || { say "refused: $(answer error) $(answer error_description)"; exit 1; }

say '4. The client redeems the code'
authentication() {
  if [ -n "${CLIENT_SECRET:-}" ]; then
    printf 'user = "%s:%s"\n' "$CLIENT_ID" "$CLIENT_SECRET"
  else
    printf 'data-urlencode = "client_id=%s"\n' "$CLIENT_ID"
  fi
}
authentication | curl -sS --fail-with-body --config - "$ISSUER/api/oauth/token" \
  --data-urlencode grant_type=authorization_code \
  --data-urlencode "code=$(answer code)" \
  --data-urlencode "redirect_uri=$REDIRECT_URI" \
  --data-urlencode "code_verifier=$verifier"
echo
