import { Test, type TestingModule } from '@nestjs/testing';
import { SseServiceMock, SseTestingModule } from 'nestjs-simple-sse/testing';
import type { Account } from '../src/accounts/account.js';
import { shopEvents } from '../src/app.events.js';
import { DatabaseModule } from '../src/database/database.module.js';
import { OrdersModule } from '../src/orders/orders.module.js';
import { OrdersService } from '../src/orders/orders.service.js';
import { ShopOptions } from '../src/shop-options.js';

const ann: Account = { id: 'ann', name: 'Ann', role: 'customer' };
const sam: Account = { id: 'sam', name: 'Sam', role: 'staff' };

/** A unit test: the service with its database, and without HTTP. */
describe('OrdersService', () => {
  let module: TestingModule;
  let orders: OrdersService;
  let sse: SseServiceMock;

  beforeEach(async () => {
    module = await Test.createTestingModule({
      imports: [
        DatabaseModule.of(new ShopOptions()),
        SseTestingModule.forRoot({ events: shopEvents, checkEvents: true }),
        OrdersModule,
      ],
    }).compile();
    await module.init();
    orders = module.get(OrdersService);
    sse = module.get(SseServiceMock);
  });
  afterEach(() => module.close());

  it('publishes a new order to the staff, to its customer and to whoever has it open', () => {
    const { order, entry } = orders.place(ann, [{ product: 'lamp', quantity: 2 }]);
    expect(sse.publishedRooms().toSorted()).toEqual(['orders/1', 'products', 'staff', 'users/ann']);
    expect(sse.published('staff')).toEqual([{ event: 'order', data: order }]);
    expect(sse.published('orders/1')).toEqual([{ event: 'entry', data: entry }]);
    expect(sse.published('products')).toEqual([{ event: 'stock', data: [{ id: 'lamp', stock: 2 }] }]);
  });

  it('notifies the customer of changes by others only', () => {
    orders.place(ann, [{ product: 'lamp', quantity: 1 }]);
    orders.write(ann, 1, 'Hurry, please');
    orders.move(sam, 1, 'packed');
    const notifications = sse.published('users/ann').filter(({ event }) => event === 'notification');
    expect(notifications).toMatchObject([{ data: { account: 'ann', order: 1, text: 'Sam: packed' } }]);
  });

  it('publishes nothing for a change that is refused', () => {
    orders.place(ann, [{ product: 'lamp', quantity: 4 }]);
    sse.clear();
    expect(() => orders.place(ann, [{ product: 'lamp', quantity: 1 }])).toThrow('not enough in stock');
    expect(() => orders.move(sam, 1, 'delivered')).toThrow('placed already');
    expect(sse.publishedRooms()).toEqual([]);
  });
});
