/**
 * MiniStack, an emulator of AWS from PyPI, as a process: it deploys templates by its own CloudFormation, and has its own
 * engines for state machines, functions, tables and events. Nothing of it is ours.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../lib/local/free-port.ts';

const run = promisify(execFile);

const VERSION = '1.5.33';
const START_LIMIT_MS = 120_000;
const DEPLOY_LIMIT_MS = 300_000;
export const REGION = 'us-east-1';
export const ACCOUNT = '000000000000';

/**
 * Lambda gives a handler's error to Step Functions under its own name, by which Retry and Catch know it (_Lambda function
 * errors in Node.js_ in Lambda's guide). This release calls every one Runtime.HandlerError.
 */
const CHANGES = [
  [
    'core/lambda_runtime.py',
    'error: String(err.message || err), trace',
    'error: String(err.message || err), type: err.name, trace',
  ],
  [
    'services/lambda_svc.py',
    '            error_type = "Runtime.HandlerError"',
    '            error_type = result.get("type") or "Runtime.HandlerError"',
  ],
] as const;

async function nameErrors(folder: string): Promise<void> {
  const python = join(folder, 'venv/bin/python');
  const { stdout } = await run(python, ['-c', 'import ministack; print(ministack.__path__[0])']);
  for (const [file, found, replaced] of CHANGES) {
    const path = join(stdout.trim(), file);
    const source = await readFile(path, 'utf8');
    if (source.split(found).length !== 2) throw new Error(`MiniStack's ${file} is not as it was`);
    await writeFile(path, source.replace(found, replaced));
  }
}

export class MiniStack {
  readonly endpoint: string;
  readonly #process: ChildProcess;

  private constructor(endpoint: string, process: ChildProcess) {
    this.endpoint = endpoint;
    this.#process = process;
  }

  /** Installs it into the folder. Throws when there is no Python or no registry. */
  static async start(folder: string, env: NodeJS.ProcessEnv): Promise<MiniStack> {
    await run('python3', ['-m', 'venv', join(folder, 'venv')]);
    await run(join(folder, 'venv/bin/pip'), ['install', '--quiet', `ministack==${VERSION}`]);
    await nameErrors(folder);
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const process = spawn(join(folder, 'venv/bin/ministack'), [], {
      cwd: folder,
      // In its own session, as its functions are processes of it.
      detached: true,
      stdio: 'ignore',
      env: {
        ...env,
        GATEWAY_PORT: String(port),
        AWS_ENDPOINT_URL: endpoint,
        MINISTACK_REGION: REGION,
        MINISTACK_ACCOUNT_ID: ACCOUNT,
      },
    });
    const server = new MiniStack(endpoint, process);
    for (const startedMs = performance.now(); !(await server.#answers()); await sleep(200)) {
      if (process.exitCode !== null || performance.now() - startedMs > START_LIMIT_MS)
        throw new Error('MiniStack does not start');
    }
    return server;
  }

  stop(): void {
    if (this.#process.pid !== undefined) process.kill(-this.#process.pid, 'SIGKILL');
  }

  async #answers(): Promise<boolean> {
    return fetch(`${this.endpoint}/_ministack/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  async createBucket(bucket: string): Promise<void> {
    await this.#request('s3', `/${bucket}`, { method: 'PUT' });
  }

  async putObject(bucket: string, key: string, body: Uint8Array<ArrayBuffer> | string): Promise<void> {
    await this.#request('s3', `/${bucket}/${key}`, { method: 'PUT', body });
  }

  /** Throws with the reasons that the emulator gives when the stack does not come into being. */
  async deploy(stack: string, templateUrl: string): Promise<void> {
    await this.#cloudFormation('CreateStack', {
      StackName: stack,
      TemplateURL: templateUrl,
      'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
    });
    for (const startedMs = performance.now(); ; await sleep(500)) {
      const status = /<StackStatus>(\w+)</.exec(
        await this.#cloudFormation('DescribeStacks', { StackName: stack }),
      )?.[1];
      if (status === 'CREATE_COMPLETE') return;
      if (status !== 'CREATE_IN_PROGRESS' || performance.now() - startedMs > DEPLOY_LIMIT_MS)
        throw new Error(`${stack} is ${status}: ${await this.#reasons(stack)}`);
    }
  }

  /** Physical ids by logical id, of one type. */
  async resources(stack: string, type: string): Promise<readonly string[]> {
    const listed = await this.#cloudFormation('DescribeStackResources', { StackName: stack });
    return [...listed.matchAll(/<member>.*?<\/member>/gs)]
      .map(([member]) => member)
      .filter((member) => member.includes(`<ResourceType>${type}<`))
      .map((member) => /<PhysicalResourceId>([^<]*)</.exec(member)?.[1] ?? '');
  }

  async #reasons(stack: string): Promise<string> {
    const events = await this.#cloudFormation('DescribeStackEvents', { StackName: stack });
    return [...events.matchAll(/<ResourceStatusReason>([^<]+)</g)].map(([, reason]) => reason).join('; ');
  }

  async #cloudFormation(action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    const body = new URLSearchParams({ Action: action, Version: '2010-05-15', ...parameters });
    return this.#request('cloudformation', '/', { method: 'POST', body });
  }

  async #request(service: string, path: string, init: RequestInit): Promise<string> {
    const scope = `test/20261121/${REGION}/${service}/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
    const response = await fetch(`${this.endpoint}${path}`, { ...init, headers: { authorization } });
    const text = await response.text();
    if (!response.ok) throw new Error(`${service} ${path}: ${response.status} ${text}`);
    return text;
  }
}
