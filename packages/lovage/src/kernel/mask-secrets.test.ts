import { describe, expect, it } from "vitest";
import { maskSecrets } from "./mask-secrets.ts";

describe("a masked URL", () => {
  it.each([
    ["redis://me:pw@h:1/0", "redis://me:***@h:1/0"],
    ["redis://:p@ss@h/0", "redis://:***@h/0"],
    ["redis://token@h/0", "redis://***@h/0"],
    ["rediss://h/0?password=pw#pw&x=1", "rediss://h/0?password=***&x=1"],
    ["redis+socket://u:pw@/run/r.sock?virtual_host=2", "redis+socket://u:***@/run/r.sock?virtual_host=2"],
    ["redis://[::1]:7000/0", "redis://[::1]:7000/0"],
    ["redis://h:6379?db=1", "redis://h:6379?db=1"],
    ["sqlite:./a@b/lovage.db", "sqlite:./a@b/lovage.db"],
    ["sentinel://a:1,b:2/main/0", "sentinel://a:1,b:2/main/0"],
    ["sentinel://u:pw@a:1,b:2/main/0", "sentinel://u:***@a:1,b:2/main/0"],
    ["sentinel://:pw@a:1/0;sentinel://:pw@b:2", "sentinel://:***@a:1/0;sentinel://:***@b:2"],
  ])("of %s is %s", (url, masked) => {
    expect(maskSecrets(url)).toBe(masked);
  });
  it.each([
    ["redis://:s3cr/t@x@127.0.0.1:7412/0", "redis://:***@127.0.0.1:7412/0"],
    ["redis://:p#ss@h/0", "redis://:***@h/0"],
    ["redis://:p?ss@h/0", "redis://:***@h/0"],
    ["redis://p/ss@h/0", "redis://***@h/0"],
    ["redis//:pass@h/0", "redis//:***@h/0"],
    ["redis:/:pass@h/0", "redis:***@h/0"],
    [":pass@h/0", ":***@h/0"],
    ["redis://:p?token=ss@h/0", "redis://***"],
    ["redis://h/0?password=p@ss", "redis://***"],
    ["redis://:p/ss", "redis://:***"],
    ["redis://:p#ss@h/0?ssl_password=pw", "redis://:***@h/0?ssl_password=***"],
  ])("that is none, %s, is %s", (text, masked) => {
    expect(maskSecrets(text)).toBe(masked);
  });
});
