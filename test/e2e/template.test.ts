import { expect, test } from 'vitest';
import { resolve } from '../../lib/local/template.ts';

const template = {
  Resources: {
    Fn: { Type: 'AWS::Lambda::Function', Properties: {} },
    Table: { Type: 'AWS::DynamoDB::Table', Properties: {} },
    Machine: { Type: 'AWS::StepFunctions::StateMachine', Properties: {} },
  },
  Parameters: { Size: { Default: '3' } },
};

test('references become names, ARNs and defaults, at any depth', () => {
  const value = {
    list: [{ Ref: 'Table' }, { Ref: 'Machine' }, { Ref: 'Size' }, 7, true, null],
    text: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':', { 'Fn::GetAtt': ['Fn', 'Arn'] }]] },
    Ref: 'a key of this name beside others is no reference',
  };
  expect(resolve(template, value)).toEqual({
    list: ['Table', 'arn:aws:states:us-east-1:000000000000:stateMachine:Machine', '3', 7, true, null],
    text: 'arn:aws:arn:aws:lambda:us-east-1:000000000000:function:Fn',
    Ref: 'a key of this name beside others is no reference',
  });
});

test('what is not known is refused instead of guessed', () => {
  expect(() => resolve(template, { 'Fn::ImportValue': 'x' })).toThrow('does not know Fn::ImportValue');
  expect(() => resolve(template, { Ref: 'Missing' })).toThrow('refers to Missing');
});
