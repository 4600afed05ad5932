/** Where a request comes from: the socket's other end, or what the nearest trusted proxies say. */
import { isIPv6 } from "node:net";
import type { Context } from "hono";

export interface AddressOptions {
  /** How many proxies of your own stand before the service: so many last entries of `X-Forwarded-For` are theirs. @defaultValue 0: none, the header is not believed */
  readonly trustedProxies?: number;
}

interface NodeBindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
}

/** undefined where the server does not say, as in tests without a socket. */
export function clientAddress({ env, req }: Context, { trustedProxies = 0 }: AddressOptions): string | undefined {
  const socket = (env as NodeBindings | undefined)?.incoming?.socket?.remoteAddress;
  if (trustedProxies === 0) return socket;
  const forwarded = (req.header("x-forwarded-for") ?? "").split(",").map((each) => each.trim());
  return forwarded.at(-trustedProxies) || socket;
}

/** One client may have a whole /64 of IPv6 addresses to itself. */
export function network(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!isIPv6(plain)) return plain;
  const [head = "", tail] = (plain.split("%")[0] ?? "").split("::");
  const first = head.split(":").filter((part) => part !== "");
  const last = tail === undefined ? [] : tail.split(":").filter((part) => part !== "");
  const groups = tail === undefined ? first : [...first, ...Array<string>(Math.max(0, 8 - first.length - last.length)).fill("0"), ...last];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
