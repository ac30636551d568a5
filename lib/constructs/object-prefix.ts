/** What keys of objects in S3 may begin with. */
import { Token } from 'aws-cdk-lib';

/** As people write keys, without the characters that mean something in a policy or a pattern. */
const PREFIX = /^[\w./=+@-]{0,500}$/;
/** An address that has one leads to another key. */
const DOTS = /(^|\/)\.{1,2}(\/|$)/;

/** @param name of the property, for whoever has to change it */
export const prefixRule = (name: string, prefix: string): readonly [isBroken: boolean, problem: string] => [
  !Token.isUnresolved(prefix) && (!PREFIX.test(prefix) || prefix.startsWith('/') || DOTS.test(prefix)),
  `${name} begins with a slash, has a part that is . or .., or other characters than letters, digits and ./_=+@-.`,
];
