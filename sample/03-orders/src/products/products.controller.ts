import { Controller, Get } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import { type Product, ProductsRepository } from './products.repository.js';

const LISTED_PRODUCTS = 100;

/** Public: visitors see the catalogue, and its stock as it changes. */
@Controller('products')
export class ProductsController {
  constructor(private readonly products: ProductsRepository) {}

  @Get()
  list(): { products: Product[]; total: number } {
    return { products: this.products.list(LISTED_PRODUCTS), total: this.products.count() };
  }

  /** The smallest stream of the shop: `curl -N localhost:3000/products/events`. */
  @Get('events')
  @SseRoom('products')
  events(): void {}
}
