/** Holds answers against the service's own description of them. */
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";

interface Described {
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Described>> }>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

/** Throws where an answer is not as `document` says. */
export function answerChecker(json: unknown): (method: string, path: string, response: Response) => Promise<void> {
  const document = json as Document;
  const ajv = new Ajv2020({ strict: false });
  (formats as unknown as (ajv: Ajv2020) => void)(ajv);
  ajv.addSchema({ $id: "api", components: document.components });
  const routes = Object.entries(document.paths).map(([path, methods]) => ({
    form: new RegExp(`${path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}(\\?.*)?$`),
    methods,
  }));
  return async (method, path, response) => {
    const { status } = response;
    const responses = routes.find(({ form }) => form.test(path))?.methods[method === "HEAD" ? "get" : method.toLowerCase()]?.responses;
    const problem: Described = { content: { "application/json": { schema: { $ref: "#/components/schemas/Problem" } } } };
    const described = responses?.[String(status)] ?? (status >= 400 ? (responses?.default ?? problem) : undefined);
    if (!described) throw new Error(`${method} ${path} answered ${status}, which is not described`);
    const type = response.headers.get("content-type")?.split(";")[0];
    if (!described.content || method === "HEAD") return;
    const content = described.content[type ?? ""] ?? described.content["*/*"];
    if (!content) throw new Error(`${method} ${path} answered ${status} as ${type}, described: ${Object.keys(described.content)}`);
    if (!content.schema) return;
    const { $ref } = content.schema as { readonly $ref: string };
    const body: unknown = await response.clone().json();
    const validate = ajv.compile({ $ref: `api${$ref}` });
    if (!validate(body)) throw new Error(`${method} ${path} answered ${JSON.stringify(body)}: ${ajv.errorsText(validate.errors)}`);
  };
}
