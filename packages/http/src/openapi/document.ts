/** The routes as OpenAPI 3.1, made from the table that serves them. */
import { z } from "zod";
import type { Route, RouteAnswer } from "../route.ts";
import { schemas } from "./schemas.ts";

export interface DocumentOptions {
  /** What stands before the paths. */
  readonly base?: string;
  readonly uploadPath?: string;
}

type Json = Readonly<Record<string, unknown>>;
const problem = { description: "A problem", content: { "application/json": { schema: { $ref: "#/components/schemas/Problem" } } } };

export function openApiDocument(routes: readonly Route[], { base = "", uploadPath = "/upload" }: DocumentOptions = {}): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = (route.operation === "upload" ? uploadPath : route.path).replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Job service", version: "1" },
    servers: [{ url: base === "" ? "/" : base }],
    paths,
    components: { schemas: components(), securitySchemes },
  };
}

const securitySchemes = {
  apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
  jobToken: { type: "http", scheme: "bearer", description: "The job's access_token." },
  jobTokenInUrl: { type: "apiKey", in: "query", name: "token" },
};

function operation(route: Route): Json {
  const ofPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: "path", required: true, schema: { type: "string" } }));
  const hasJob = route.path.includes("/:id");
  return {
    operationId: route.operation,
    summary: route.summary,
    parameters: [...ofPath, ...(route.parameters ?? [])],
    ...(route.operation === "upload" && { requestBody: uploadBody }),
    responses: { ...Object.fromEntries(Object.entries(route.answers).map(([status, each]) => [status, response(each)])), default: problem },
    security: route.role === undefined ? [] : [{}, { apiKey: [] }, ...(hasJob ? [{ jobToken: [] }, { jobTokenInUrl: [] }] : [])],
  };
}

const uploadBody = {
  required: true,
  content: {
    "multipart/form-data": {
      schema: {
        type: "object",
        properties: { file: { type: "array", items: { type: "string", contentMediaType: "application/octet-stream" } } },
        required: ["file"],
        additionalProperties: { type: "string" },
      },
    },
  },
};

function response({ description, schema, content }: RouteAnswer): Json {
  if (schema) return { description, content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } } };
  return { description, ...(content !== undefined && { content: { [content]: {} } }) };
}

function components(): Json {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      const { $schema: _, ...plain } = z.toJSONSchema(schema, { io: "output" });
      return [name, plain];
    }),
  );
}
