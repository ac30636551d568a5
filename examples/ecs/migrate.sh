#!/bin/sh
# Runs the task once, waits until it has stopped, and ends with the exit code of its container.
set -eu
task=$(aws ecs run-task --cluster orders --task-definition orders-migrate --launch-type FARGATE \
  --network-configuration "awsvpcConfiguration={subnets=[$SUBNETS],securityGroups=[$SECURITY_GROUP]}" \
  --query 'tasks[0].taskArn' --output text)
[ "$task" != None ] || { echo 'ECS did not start the task.' >&2; exit 1; }
state() { aws ecs describe-tasks --cluster orders --tasks "$task" --query "tasks[0].$1" --output text; }
until [ "${status:-}" = STOPPED ]; do sleep 5; status=$(state lastStatus); done
code=$(state 'containers[0].exitCode')
[ "$code" != None ] || { echo "The container did not run: $(state stoppedReason)" >&2; exit 1; }
exit "$code"
