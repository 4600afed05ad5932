/** A URL as people may see it: the password and secret query parameters are stars. Text that is no URL is cut at the scheme. */
export function maskSecrets(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)@/i, (_, scheme: string, login: string) => `${scheme}${maskLogin(login)}@`)
    .replace(/([?&](?:password|pass|token|secret|auth)=)[^&#]*/gi, "$1***");
}

function maskLogin(login: string): string {
  const colon = login.indexOf(":");
  // `redis://secret@host` is a user name by the URL standard, and a password in many people's habit.
  return colon === -1 ? "***" : `${login.slice(0, colon)}:***`;
}
