import { describe, expect, it } from "vitest";
import { readFailure } from "../job-failure.ts";
import { mapErrors } from "./map-errors.ts";

class CudaOomError extends Error {}
const failed = (exc_type: string, message: string[], traceback = "") => readFailure({ exc_type, exc_message: message }, traceback);

describe("a table of errors", () => {
  const explain = mapErrors({
    CudaOomError: { code: "GPU_OUT_OF_MEMORY", retryable: true },
    ENOENT: "SCAN_INCOMPLETE",
    DicomError: { code: "SCAN_REFUSED", message: "This is no scan." },
  });

  it("finds an error by its name, and tells no more than the table does", () => {
    const told = explain(failed("CudaOomError", ["/secret/path: out of memory"]));
    expect(told).toEqual({ code: "GPU_OUT_OF_MEMORY", message: "The job failed.", retryable: true });
    expect(explain(failed("DicomError", ["x"]))).toEqual({ code: "SCAN_REFUSED", message: "This is no scan.", retryable: false });
  });

  it("finds it by its class", () => {
    expect(mapErrors([[CudaOomError, "GPU_OUT_OF_MEMORY"]])(failed("CudaOomError", ["x"]))?.code).toBe("GPU_OUT_OF_MEMORY");
  });

  it("finds it by its code, and by what caused it", () => {
    expect(explain(failed("Error", ["no such file", "ENOENT"]))?.code).toBe("SCAN_INCOMPLETE");
    const ours =
      "Traceback (most recent call last):\nError: outer\n    at x\n\nCaused by:\n\nTraceback (most recent call last):\nCudaOomError: inner\n";
    expect(explain(failed("Error", ["outer"], ours))?.code).toBe("GPU_OUT_OF_MEMORY");
    const python = `Traceback (most recent call last):
  File "x.py", line 1, in f
pkg.errors.CudaOomError: 2 GiB

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
RuntimeError: outer
`;
    expect(explain(failed("RuntimeError", ["outer"], python))?.code).toBe("GPU_OUT_OF_MEMORY");
  });

  it("leaves an error alone that it does not name", () => {
    expect(explain(failed("Error", ["CudaOomError", "other"], "Error: CudaOomError\n"))).toBeUndefined();
  });
});
