/**
 * Decorators by hand. Nest reads what its decorators store with `Reflect.defineMetadata`; a compiler only
 * calls them in a certain sequence. Calling them here avoids a build step for four small applications.
 */
import 'reflect-metadata';

/**
 * @param {Function} target
 * @param {{ on?: ClassDecorator[], inject?: Function[],
 *           methods?: Record<string, { on: MethodDecorator[], parameters?: ParameterDecorator[] }> }} decorators
 *        `inject`: the classes of the constructor's parameters, in order
 */
export function decorate(target, { on = [], inject = [], methods = {} }) {
  for (const [name, { on: decorators, parameters = [] }] of Object.entries(methods)) {
    parameters.forEach((decorator, index) => decorator(target.prototype, name, index));
    const descriptor = Object.getOwnPropertyDescriptor(target.prototype, name);
    Reflect.defineMetadata(
      'design:paramtypes',
      parameters.map(() => Object),
      target.prototype,
      name,
    );
    const decorated = decorators.reduceRight(
      (current, decorator) => decorator(target.prototype, name, current) ?? current,
      descriptor,
    );
    Object.defineProperty(target.prototype, name, decorated);
  }
  Reflect.defineMetadata('design:paramtypes', inject, target);
  for (const decorator of on.toReversed()) decorator(target);
  return target;
}
