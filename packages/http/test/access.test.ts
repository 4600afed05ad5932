import { type ApiKey, newApiKey, type Role } from "@lovage/http";
import { afterEach, describe, expect, it } from "vitest";
import { RoutesKit, type UploadedJob } from "./routes-kit.ts";

let kit: RoutesKit;
afterEach(() => kit.close());

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const unknown = "A".repeat(22);

/** Status and all that a client can see of an answer. */
async function seen(response: Response): Promise<unknown> {
  const ids = ["x-correlation-id", "x-request-id"];
  return { status: response.status, headers: [...response.headers].filter(([name]) => !ids.includes(name)), body: await response.text() };
}

const touches = (id: string): readonly (readonly [method: string, route: string])[] => [
  ["GET", `/status/${id}`],
  ["HEAD", `/status/${id}`],
  ["GET", `/status/${id}?wait=1`],
  ["GET", `/events/${id}`],
  ["POST", `/cancel/${id}`],
  ["DELETE", `/jobs/${id}`],
  ["GET", `/download/${id}`],
  ["HEAD", `/download/${id}`],
  ["GET", `/download/${id}/a.txt`],
];

describe("a job's access token", () => {
  it("is asked for by every route of the job: without it, or with another, the job looks like one that does not exist", async () => {
    kit = await RoutesKit.start({ access: "token" });
    const mine = await kit.submit();
    const other = await kit.submit();
    expect(mine.access_token).toMatch(/^[\w-]{32}$/);
    expect(mine.access_token).not.toBe(other.access_token);
    const none = touches(unknown);
    for (const [i, [method, route]] of touches(mine.job_id).entries()) {
      const expected = await seen(await kit.ask(none[i]?.[1] ?? "", { method }));
      expect(expected).toMatchObject({ status: 404 });
      if (method !== "HEAD") expect(expected).toMatchObject({ body: expect.stringContaining("or its access token is missing") });
      for (const headers of [{}, bearer(other.access_token), bearer(""), { authorization: mine.access_token }])
        expect(await seen(await kit.ask(route, { method, headers })), route).toEqual(expected);
    }
    expect(await kit.ask(`/status/${mine.job_id}`, { headers: bearer(mine.access_token) })).toMatchObject({ status: 200 });
    expect(await kit.ask(`/status/${mine.job_id}?token=${mine.access_token}`)).toMatchObject({ status: 200 });
  });

  it("is nowhere in the store", async () => {
    kit = await RoutesKit.start({ access: "token" });
    const { job_id, access_token } = await kit.submit();
    const state = await kit.service.state();
    const [record] = await state.read([`job/${job_id}`]);
    const text = Buffer.from(record?.value ?? []).toString();
    expect(text).toContain("tokenHash");
    expect(text).not.toContain(access_token);
  });

  it("is not asked for where ids are enough", async () => {
    kit = await RoutesKit.start();
    const { job_id } = await kit.submit();
    expect(await kit.ask(`/status/${job_id}`)).toMatchObject({ status: 200 });
  });

  it("deletes its job twice, and nobody else's", async () => {
    kit = await RoutesKit.start({ access: "token" }, { worker: true });
    const { job_id, access_token } = await kit.submit();
    const remove = (token: string) => kit.ask(`/jobs/${job_id}`, { method: "DELETE", headers: bearer(token) });
    expect((await remove("x".repeat(32))).status).toBe(404);
    expect((await remove(access_token)).status).toBe(204);
    expect((await kit.ask(`/status/${job_id}`, { headers: bearer(access_token) })).status).toBe(404);
    expect((await remove(access_token)).status).toBe(204);
    expect((await remove("x".repeat(32))).status).toBe(404);
  });
});

describe("API keys", () => {
  const made = (id: string, role: Role, more: Partial<ApiKey> = {}) => {
    const { key, entry } = newApiKey(id, role);
    return { headers: { "x-api-key": key }, entry: { ...entry, ...more } };
  };
  const reader = made("reader", "read", { owner: "clinic" });
  const clinic = made("clinic", "submit");
  const other = made("other", "submit");
  const admin = made("root", "admin");
  const keys = [reader, clinic, other, admin].map(({ entry }) => entry);
  const start = async () => {
    kit = await RoutesKit.start({ keys }, { worker: true });
  };
  const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

  it("are needed to upload, by their role", async () => {
    await start();
    expect(await codeOf(await kit.upload())).toBe("KEY_REQUIRED");
    const forged = await kit.upload({ headers: { "x-api-key": `lvk_clinic_${"x".repeat(43)}` } });
    expect(forged.status).toBe(401);
    expect(forged.headers.get("www-authenticate")).toBe("Bearer");
    expect(await codeOf(await kit.upload(reader))).toBe("KEY_ROLE_TOO_SMALL");
    expect((await kit.upload(clinic)).status).toBe(202);
    expect((await kit.upload({ headers: { authorization: `Bearer ${clinic.headers["x-api-key"]}` } })).status).toBe(202);
  });

  it("open their owner's jobs as far as their role goes; another's look as if they did not exist; an admin's open all", async () => {
    await start();
    const { job_id: id, access_token }: UploadedJob = await kit.submit(clinic);
    const none = touches(unknown);
    for (const [i, [method, route]] of touches(id).entries()) {
      const expected = await seen(await kit.ask(none[i]?.[1] ?? "", { method, ...other }));
      expect(await seen(await kit.ask(route, { method, ...other })), route).toEqual(expected);
      expect(await kit.ask(route, { method })).toMatchObject({ status: 404 });
    }
    for (const { headers } of [reader, clinic, admin]) expect((await kit.ask(`/status/${id}`, { headers })).status).toBe(200);
    expect((await kit.ask(`/status/${id}`, { headers: bearer(access_token) })).status).toBe(200);
    expect(await codeOf(await kit.ask(`/cancel/${id}`, { method: "POST", ...reader }))).toBe("KEY_ROLE_TOO_SMALL");
    expect((await kit.ask(`/cancel/${id}`, { method: "POST", ...admin })).status).toBe(202);
    expect((await kit.ask(`/jobs/${id}`, { method: "DELETE", ...clinic })).status).toBe(204);
  });

  it("never open less than none: where ids are enough, any key opens any job", async () => {
    kit = await RoutesKit.start({ keys, access: "open" }, { worker: true });
    const { job_id: id } = await kit.submit(clinic);
    for (const more of [{}, other, reader]) {
      expect((await kit.ask(`/status/${id}`, more)).status).toBe(200);
      expect((await kit.ask(`/cancel/${id}`, { method: "POST", ...more })).status).toBe(202);
    }
  });

  it("tell statistics only to an admin, and health to everybody", async () => {
    await start();
    expect((await kit.ask("/stats")).status).toBe(401);
    expect((await kit.ask("/stats", clinic)).status).toBe(403);
    expect((await kit.ask("/stats", admin)).status).toBe(200);
    expect(await (await kit.ask("/health")).json()).toEqual({ status: "ok" });
  });

  it("are refused at start when no key can fit them", async () => {
    await start();
    const wrong = [
      { ...clinic.entry, hash: clinic.headers["x-api-key"] },
      { ...other.entry, role: "boss" as Role },
      admin.entry,
      admin.entry,
    ];
    expect(() => kit.another({ keys: wrong })).toThrow(
      /keys\[0\]\.hash is no SHA-256.*keys\[1\]\.role is one of.*keys\[3\]\.id "root" is there twice/,
    );
    expect(() => newApiKey("Dr Who", "read")).toThrow(/small letters/);
  });

  it("have quotas of jobs and bytes a day and of open jobs, which refused uploads do not use up", async () => {
    const limited = (quota: ApiKey["quota"]) => made("small", "submit", quota && { quota });
    const { headers, entry } = limited({ jobsPerDay: 3, bytesPerDay: 8000, openJobs: 2 });
    kit = await RoutesKit.start({ keys: [entry] }, { worker: true });
    const submit = (more = {}) => kit.upload({ headers, how: "wait", ...more });
    expect((await submit({ body: Buffer.from("no picture".repeat(200)) })).status).toBe(415);
    const first = (await (await submit()).json()) as UploadedJob;
    expect((await submit()).status).toBe(202);
    const third = await submit();
    expect(third.status).toBe(429);
    expect(third.headers.get("retry-after")).toBe("10");
    expect(await codeOf(third)).toBe("QUOTA_OPEN_JOBS");
    await kit.ask(`/jobs/${first.job_id}`, { method: "DELETE", headers });
    expect((await submit()).status).toBe(202);
    const fourth = await submit();
    expect(await codeOf(fourth)).toBe("QUOTA_JOBS");
    expect(Number(fourth.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  it("count the bytes of an upload that does not say its length, while it arrives", async () => {
    const { headers, entry } = made("small", "submit", { quota: { bytesPerDay: 3000 } });
    kit = await RoutesKit.start({ keys: [entry] });
    const codes = [];
    for (let i = 0; i < 2; i += 1) codes.push((await kit.upload({ headers })).status);
    expect(codes).toEqual([202, 429]);
    const again = await kit.upload({ headers });
    expect(await codeOf(again)).toBe("QUOTA_BYTES");
  });
});

describe("rates", () => {
  it("are counted per client address over all processes, and say what is left", async () => {
    kit = await RoutesKit.start({ rate: { perAddress: { requests: 3, perSeconds: 60 } } });
    const { job_id: id } = await kit.submit({ from: "192.0.2.1" });
    const second = await kit.ask(`/status/${id}`, { from: "192.0.2.1" });
    expect(second.headers.get("ratelimit-policy")).toBe('"address";q=3;w=60');
    expect(second.headers.get("ratelimit")).toMatch(/^"address";r=1;t=\d+$/);
    const elsewhere = kit.another({ rate: { perAddress: { requests: 3, perSeconds: 60 } } });
    const env = { incoming: { socket: { remoteAddress: "192.0.2.1" } } };
    expect((await elsewhere.request(`/status/${id}`, {}, env)).status).toBe(200);
    const refused = await kit.ask(`/status/${id}`, { from: "192.0.2.1" });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: "RATE_LIMITED" });
    expect((await kit.ask("/health", { from: "192.0.2.1" })).status).toBe(200);
    expect((await kit.ask(`/status/${id}`, { from: "192.0.2.2" })).status).toBe(200);
  });

  it("take an IPv6 client by its network, and a proxy's word only where it is trusted", async () => {
    const rate = { perAddress: { requests: 1, perSeconds: 60 } };
    kit = await RoutesKit.start({ rate });
    const stats = (ask: Parameters<RoutesKit["ask"]>[1]) => kit.ask("/stats", ask).then(({ status }) => status);
    expect(await stats({ from: "2001:db8::1" })).toBe(200);
    expect(await stats({ from: "2001:db8:0:0:ffff::2" })).toBe(429);
    expect(await stats({ from: "2001:db8:0:1::2" })).toBe(200);
    expect(await stats({ from: "10.0.0.1", headers: { "x-forwarded-for": "198.51.100.1" } })).toBe(200);
    expect(await stats({ from: "10.0.0.1", headers: { "x-forwarded-for": "198.51.100.2" } })).toBe(429);
    const proxied = kit.another({ rate, trustedProxies: 1 });
    const through = (forwarded: string) =>
      proxied.request("/stats", { headers: { "x-forwarded-for": forwarded } }, { incoming: { socket: { remoteAddress: "10.0.0.2" } } });
    expect((await through("1.1.1.1, 198.51.100.7")).status).toBe(200);
    expect((await through("2.2.2.2, 198.51.100.7")).status).toBe(429);
  });

  it("grant exactly what there is when all come at once, to two processes", async () => {
    const rate = { perAddress: { requests: 20, perSeconds: 3600 } };
    kit = await RoutesKit.start({ rate });
    const both = [kit.routes, kit.another({ rate })];
    const ask = (i: number) => both[i % 2]?.request("/stats", {}, { incoming: { socket: { remoteAddress: "192.0.2.9" } } });
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => ask(i)));
    expect(answers.filter((answer) => answer?.status === 200)).toHaveLength(20);
  });
});

describe("the audit log", () => {
  it("has a line for each upload, cancel, delete and refusal, with who and what, and never a file name or a secret", async () => {
    const { key, entry } = newApiKey("clinic", "submit");
    kit = await RoutesKit.start({ keys: [entry] }, { worker: true });
    const headers = { "x-api-key": key, "x-correlation-id": "visit-7" };
    const { job_id: jobId, access_token } = await kit.submit({ headers, from: "192.0.2.1" });
    await kit.ask(`/cancel/${jobId}`, { method: "POST", headers });
    await kit.ask(`/status/${jobId}?token=${"x".repeat(32)}`);
    await kit.ask(`/jobs/${jobId}`, { method: "DELETE", headers });
    expect(kit.lines.map(({ level, event }) => `${level} ${event}`)).toEqual([
      "info job.uploaded",
      "info job.cancelled",
      "warn access.refused",
      "info job.deleted",
    ]);
    expect(kit.lines[0]?.fields).toMatchObject({ jobId, key: "clinic", address: "192.0.2.1", correlationId: "visit-7" });
    expect(kit.lines[2]?.fields).toMatchObject({ jobId, key: undefined, code: "JOB_NOT_FOUND", status: 404 });
    const text = JSON.stringify(kit.lines);
    for (const secret of ["Jane", "png", access_token, key, "xxxx"]) expect(text).not.toContain(secret);
  });
});
