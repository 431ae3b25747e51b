// Reads workflow files as GitHub does, and prints for each what is wrong with it and what its jobs would do, as JSON.
import { readFileSync } from "node:fs";
import { register } from "node:module";

// The parser is built for bundlers and imports its schema as bare JSON, which Node by itself refuses.
const json = `import { readFileSync } from "node:fs";
export const load = (url, context, next) => url.endsWith(".json")
  ? { format: "module", shortCircuit: true, source: "export default " + readFileSync(new URL(url), "utf8") }
  : next(url, context);`;
register(`data:text/javascript,${encodeURIComponent(json)}`);
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await import("@actions/workflow-parser");

const read = {};
for (const path of process.argv.slice(2)) {
  const { context, value } = parseWorkflow(
    { name: path, content: readFileSync(path, "utf8") },
    new NoOperationTraceWriter(),
  );
  const template = value ? await convertWorkflowTemplate(context, value) : undefined;
  const jobs = (template?.jobs ?? []).map((job) => [
    job.id.value,
    (job.steps ?? []).filter((step) => "run" in step).map((step) => step.run.toString()),
  ]);
  read[path] = { errors: context.errors.getErrors().map((error) => error.message), jobs: Object.fromEntries(jobs) };
}
console.log(JSON.stringify(read));
