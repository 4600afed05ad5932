/**
 * A URL as people may see it: its password and the secrets in its query are stars. It need not be a URL: a password with an
 * unencoded `/`, `#`, `?` or `@` is why many are none, so what cannot be told apart is hidden with it.
 */
export function maskSecrets(url: string): string {
  // One after the other; each may have a login.
  if (/^sentinels?:.*;/i.test(url)) return url.split(";").map(maskSecrets).join(";");
  // Paths, with any character in them.
  if (/^(?:sqlite|memory):/i.test(url)) return url;
  const scheme = /^(?:[a-z][a-z0-9+.-]*:|(?:redis|valkey)s?)\/\//i.exec(url)?.[0] ?? "";
  const rest = url.slice(scheme.length);
  // Whether this is a query or a password with a ? in it, nobody can tell.
  if (/[?&][\w-]*(?:pass|password|passwd|token|secret|auth)=[^&]*@/i.test(rest)) return `${scheme}***`;
  const at = rest.lastIndexOf("@");
  const place = rest.slice(at + 1).replace(/([?&][\w-]*(?:pass|password|passwd|token|secret|auth)=)[^&]*/gi, "$1***");
  if (at !== -1) return `${scheme}${maskLogin(rest.slice(0, at))}@${place}`;
  // Several hosts with their ports.
  if (/^sentinels?:/i.test(scheme)) return scheme + place;
  // `redis://:secret`, whose host was forgotten: a port has only digits.
  return scheme + place.replace(/^([^:/?#[]*:)(?!\d*(?:[/?#]|$)).*/, "$1***");
}

function maskLogin(login: string): string {
  const colon = login.indexOf(":");
  // `redis://secret@host` is a user name by the URL standard, and a password in many people's habit.
  return colon === -1 ? "***" : `${login.slice(0, colon)}:***`;
}
