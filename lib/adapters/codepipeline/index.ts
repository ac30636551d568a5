/**
 * AWS CodePipeline as a receiver of the verdict, beside the Step Functions action, which needs none of this:
 *
 *   StageTransitionSignal   roll back closes the way into a stage, roll out opens it
 *   ApprovalSignal          answers a manual approval that waits for this run
 *   job.ts                  answers a Lambda invoke action, which asks again until the run has ended
 *
 * Invariants: each may be called again with the same verdict, also when CodePipeline has its answer already. An
 * answer that comes too late (the pipeline execution was stopped, the action timed out) is no failure: nobody
 * waits for it any more. Who is authoritative: the verdict. What can fail: LS702.
 */
export * from './approval.ts';
export * from './job.ts';
export * from './stage-transition.ts';
