import t from 'tap'
import { clientOf, parseTrust, Trust } from '../../src/client/trust.ts'

/** The trust that a text without a fault gives. */
function trust (text: string): Trust {
  const read = parseTrust(text)
  t.strictSame(read.faults, [], text)
  return read.trust
}

const ADDRESSES = ['127.0.0.1', '0.0.0.0', '::1', '::', '::ffff:10.0.0.1', '2001:db8::1']

t.test('nothing given trusts nobody, at no hop', async (t) => {
  for (const text of ['', '  ', ' , ,']) {
    const nobody = trust(text)
    t.equal(nobody.isNobody, true)
    for (const address of [...ADDRESSES, undefined, '']) {
      t.equal(nobody.trustsPeer(address), false)
      t.equal(nobody.trusts(address, 1), false)
    }
  }
  t.equal(new Trust().isNobody, true)
})

t.test('a hop count trusts that many hops whatever their address, and no further one', async (t) => {
  for (const count of [1, 2, 32]) {
    const some = trust(` ${count} `)
    t.equal(some.isNobody, false)
    for (const address of [...ADDRESSES, undefined, 'unknown']) {
      t.equal(some.trustsPeer(address), true)
      const hops = Array.from({ length: 40 }, (_, hop) => hop)
      t.strictSame(hops.filter((hop) => some.trusts(address, hop)), hops.slice(0, count))
    }
  }
})

t.test('a hop count out of range is a fault', async (t) => {
  for (const text of ['0', '33', '00', '4294967297', '99999999999999999999']) {
    const read = parseTrust(text)
    t.strictSame(read.faults, [`TRUST_PROXY: "${text}" is no usable hop count: give a whole number from 1 to 32, or leave it empty to trust nobody`])
    t.equal(read.trust.isNobody, true)
  }
})

t.test('addresses and networks of a list are trusted at any hop, others at none', async (t) => {
  const some = trust(' 192.0.2.7, 10.0.0.0/8 ,, 172.16.5.4/12,2001:db8:1::/48, ::1 ,fd00::/8,')
  t.equal(some.isNobody, false)
  const trusted = [
    '192.0.2.7', '10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '2001:db8:1::', '2001:db8:1:ffff:ffff:ffff:ffff:ffff',
    '2001:DB8:1::5', '::1', '0:0:0:0:0:0:0:1', 'fdff::1'
  ]
  const others = [
    '192.0.2.6', '192.0.2.8', '9.255.255.255', '11.0.0.0', '172.15.255.255', '172.32.0.0', '2001:db8:0:ffff::', '2001:db8:2::', '::2', '::',
    'fe00::', 'fc00::1', '0.0.0.1', '::10.0.0.1'
  ]
  for (const hop of [0, 1, 31, 63]) {
    for (const address of trusted) t.equal(some.trusts(address, hop), true, address)
    for (const address of others) t.equal(some.trusts(address, hop), false, address)
  }
  t.equal(some.trustsPeer('10.1.2.3'), true)
  t.equal(some.trustsPeer('11.1.2.3'), false)
})

t.test('what is no IP address is never trusted by address', async (t) => {
  const some = trust('0.0.0.0/0,::/0')
  for (const address of ADDRESSES) t.equal(some.trustsPeer(address), true, address)
  const others = [
    undefined, '', 'unknown', 'localhost', '10.0.0.1 ', ' 10.0.0.1', '10.0.0.1:80', '[::1]', '010.0.0.1', '10.1', '1', '::ffff:1.2.3', '%eth0'
  ]
  for (const address of others) t.equal(some.trustsPeer(address), false, String(address))
})

t.test('a network of one family holds no address of the other', async (t) => {
  const [ipv4, ipv6] = [trust('0.0.0.0/0'), trust('::/0')]
  for (const address of ['1.2.3.4', '::ffff:1.2.3.4', '::ffff:102:304']) {
    t.equal(ipv4.trustsPeer(address), true, address)
    t.equal(ipv6.trustsPeer(address), false, address)
  }
  for (const address of ['::1', '2001:db8::1', '::1.2.3.4', '::ffff:0:1.2.3.4', '64:ff9b::1.2.3.4']) {
    t.equal(ipv4.trustsPeer(address), false, address)
    t.equal(ipv6.trustsPeer(address), true, address)
  }
})

t.test('an IPv4-mapped address counts as IPv4, however it is spelt, on either side', async (t) => {
  const spellings = [
    '10.0.0.1', '::ffff:10.0.0.1', '::FFFF:10.0.0.1', '::ffff:a00:1', '::ffff:0a00:0001', '0:0:0:0:0:ffff:a00:1', '0000:0000:0000:0000:0000:FFFF:0A00:0001',
    '0::ffff:10.0.0.1', '::0:ffff:10.0.0.1'
  ]
  for (const text of ['10.0.0.1', '10.0.0.0/8', '::ffff:10.0.0.1', '::ffff:a00:1', '::ffff:10.0.0.0/104', '::ffff:0:0/96']) {
    for (const address of spellings) t.equal(trust(text).trustsPeer(address), true, `${text}: ${address}`)
  }
  t.equal(trust('::ffff:10.0.0.0/104').trustsPeer('11.0.0.1'), false)
  t.equal(trust('::ffff:10.0.0.1').trustsPeer('10.0.0.2'), false)
})

t.test('the zone of a link-local address does not count', async (t) => {
  t.equal(trust('fe80::/10').trustsPeer('fe80::1%eth0'), true)
  t.equal(trust('fe80::1').trustsPeer('fe80::1%7'), true)
  t.equal(trust('fe80::2').trustsPeer('fe80::1%eth0'), false)
})

t.test('prefix lengths from none to all bits are taken', async (t) => {
  const cases = [
    ['10.0.0.1/0', '203.0.113.1', true], ['10.0.0.1/1', '127.0.0.1', true], ['10.0.0.1/1', '128.0.0.1', false], ['10.0.0.1/31', '10.0.0.0', true],
    ['10.0.0.1/31', '10.0.0.2', false], ['10.0.0.1/32', '10.0.0.1', true], ['10.0.0.1/32', '10.0.0.0', false],
    ['2001:db8::1/0', 'fe80::1', true], ['2001:db8::1/127', '2001:db8::', true], ['2001:db8::1/127', '2001:db8::2', false],
    ['2001:db8::1/128', '2001:db8::1', true], ['2001:db8::1/128', '2001:db8::', false]
  ] as const
  for (const [text, address, isTrusted] of cases) t.equal(trust(text).trustsPeer(address), isTrusted, `${text}: ${address}`)
})

t.test('an entry that cannot be used is a fault that says what to give, and nobody is trusted', async (t) => {
  const noAddress = 'is not an IP address: give an address or a network such as 10.0.0.0/8 or 2001:db8::1, or a hop count alone'
  const noBits = (max: number): string => `has no usable prefix length: give a whole number from 0 to ${max} behind the "/"`
  const cases = [
    ['localhost', noAddress], ['*', noAddress], ['true', noAddress], ['-1', noAddress], ['1.5', noAddress], ['10.0.0', noAddress], ['10.0.0.256', noAddress],
    ['10.0.0.1:80', noAddress], ['[::1]', noAddress], ['010.0.0.1', noAddress], ['/8', noAddress], ['2/8', noAddress], ['10.0.0.1 10.0.0.2', noAddress],
    ['10.0.0.0/33', noBits(32)], ['10.0.0.0/', noBits(32)], ['10.0.0.0/-1', noBits(32)], ['10.0.0.0/08', noBits(32)], ['10.0.0.0/8/8', noBits(32)],
    ['10.0.0.0/255.0.0.0', noBits(32)], ['10.0.0.0/ 8', noBits(32)], ['10.0.0.0/1e1', noBits(32)], ['::/129', noBits(128)], ['::/x', noBits(128)],
    ['::/1000', noBits(128)], ['::ffff:10.0.0.0/129', noBits(128)],
    ['fe80::1%eth0', 'has a zone: leave out the "%" and what follows it'], ['fe80::%eth0/10', 'has a zone: leave out the "%" and what follows it'],
    ['::ffff:10.0.0.0/8', 'is an IPv4-mapped network: write it as IPv4, such as 10.0.0.0/8'],
    ['::ffff:10.0.0.0/95', 'is an IPv4-mapped network: write it as IPv4, such as 10.0.0.0/8']
  ] as const
  for (const [text, fault] of cases) {
    const read = parseTrust(text)
    t.strictSame(read.faults, [`TRUST_PROXY: "${text}" ${fault}`])
    t.equal(read.trust.isNobody, true, text)
  }
})

t.test('a hop count among others is a fault, and every fault of a list is named', async (t) => {
  const read = parseTrust('10.0.0.0/8,2,nonsense,1')
  t.equal(read.faults[0], 'TRUST_PROXY: "2" is a hop count in a list: give the hop count alone, or addresses only')
  t.match(read.faults, [/"2"/, /^TRUST_PROXY: "nonsense" is not an IP address/, /^TRUST_PROXY: "1" is a hop count in a list/])
  t.equal(read.faults.length, 3)
  t.equal(read.trust.isNobody, true)
  t.equal(read.trust.trustsPeer('10.0.0.1'), false)
  t.equal(parseTrust('1,1').faults.length, 2)
})

t.test('without trust in the peer it is the client, whatever it sends', async (t) => {
  for (const text of ['', '10.0.0.0/8']) {
    for (const forwardedFor of [undefined, '', '198.51.100.1', '10.0.0.1', '198.51.100.1, 10.0.0.1']) {
      t.equal(clientOf('192.0.2.1', forwardedFor, trust(text)), '192.0.2.1')
    }
  }
})

t.test('without X-Forwarded-For a trusted peer is the client', async (t) => {
  for (const forwardedFor of [undefined, '', ' ', ',', ' , ']) t.equal(clientOf('10.0.0.1', forwardedFor, trust('10.0.0.0/8')), '10.0.0.1')
})

t.test('the client is the last entry that is not one of the trusted addresses', async (t) => {
  const some = trust('10.0.0.0/8,fd00::/8')
  const cases = [
    ['198.51.100.1', '198.51.100.1'],
    ['203.0.113.9, 198.51.100.1', '198.51.100.1'],
    ['203.0.113.9, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['203.0.113.9,198.51.100.1,fd00::1,10.0.0.2', '198.51.100.1'],
    ['10.0.0.9, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['2001:db8::1, 10.0.0.2', '2001:db8::1']
  ] as const
  for (const [forwardedFor, client] of cases) t.equal(clientOf('10.0.0.1', forwardedFor, some), client, forwardedFor)
})

t.test('with a hop count the client is the entry that many from the end', async (t) => {
  const forwardedFor = '203.0.113.3, 203.0.113.2, 203.0.113.1'
  for (const [count, client] of [['1', '203.0.113.1'], ['2', '203.0.113.2'], ['3', '203.0.113.3'], ['4', '203.0.113.3'], ['32', '203.0.113.3']] as const) {
    t.equal(clientOf('192.0.2.1', forwardedFor, trust(count)), client, count)
  }
})

t.test('where all are trusted the first entry is the client', async (t) => {
  t.equal(clientOf('10.0.0.1', '10.0.0.4, 10.0.0.3, 10.0.0.2', trust('10.0.0.0/8')), '10.0.0.4')
})

t.test('an entry that is no IP address ends the walk at the last good address', async (t) => {
  const bad = [
    'unknown', '', '_hidden', '10.0.0', '10.0.0.256', 'example.com', '10.0.0.3 10.0.0.4', '"10.0.0.3"', '[10.0.0.3]', '[10.0.0.3]:80',
    '[::1', '::1]', '[::1]80', '[]:80',
    '10.0.0.3:', '10.0.0.3:a', '10.0.0.3:123456', '[::1]:', '[::1]:x', ':80', 'for=10.0.0.3'
  ]
  for (const entry of bad) {
    for (const some of [trust('0.0.0.0/0,::/0'), trust('32')]) {
      t.equal(clientOf('10.0.0.1', `198.51.100.1, ${entry}, 10.0.0.2`, some), '10.0.0.2', entry)
      t.equal(clientOf('10.0.0.1', `198.51.100.1, ${entry}`, some), '10.0.0.1', entry)
      t.equal(clientOf('10.0.0.1', `${entry},10.0.0.2`, some), '10.0.0.2', entry)
    }
  }
})

t.test('blanks around entries and ports are cut off, and IPv4-mapped addresses given as IPv4', async (t) => {
  const cases = [
    [' \t198.51.100.1 ', '198.51.100.1'], ['198.51.100.1:567', '198.51.100.1'], ['[2001:db8::1]:80', '2001:db8::1'], ['[2001:db8::1]', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'], ['::ffff:198.51.100.1', '198.51.100.1'], ['[::ffff:198.51.100.1]:80', '198.51.100.1'],
    ['::ffff:c633:6401', '198.51.100.1'], ['fe80::1%eth0', 'fe80::1'], ['[fe80::1%eth0]:80', 'fe80::1']
  ] as const
  for (const [entry, client] of cases) {
    t.equal(clientOf('10.0.0.1', entry, trust('1')), client, entry)
    t.equal(clientOf('10.0.0.1', `203.0.113.9,${entry}`, trust('10.0.0.1')), client, entry)
  }
  t.equal(clientOf('10.0.0.1', '198.51.100.1, ::ffff:10.0.0.2, [::ffff:10.0.0.3]:80, 10.0.0.4:80', trust('10.0.0.0/8')), '198.51.100.1')
})

t.test('the peer is given as IPv4 if it is IPv4-mapped, without a zone, else as it is', async (t) => {
  const cases = [['::ffff:192.0.2.1', '192.0.2.1'], ['fe80::1%eth0', 'fe80::1'], ['2001:db8::1', '2001:db8::1'], ['unknown', 'unknown']] as const
  for (const [peer, client] of cases) {
    for (const some of [trust(''), trust('::/0'), trust('3')]) t.equal(clientOf(peer, undefined, some), client)
  }
  t.equal(clientOf('::ffff:10.0.0.1', '198.51.100.1', trust('10.0.0.1')), '198.51.100.1')
})

t.test('no more than the last 64 entries are looked at', async (t) => {
  const entries = Array.from({ length: 100 }, (_, i) => `10.0.0.${100 - i}`)
  const all = trust('10.0.0.0/8')
  t.equal(clientOf('10.0.0.200', entries.join(', '), all), '10.0.0.64')
  t.equal(clientOf('10.0.0.200', entries.slice(-64).join(', '), all), '10.0.0.64')
  t.equal(clientOf('10.0.0.200', entries.slice(-63).join(', '), all), '10.0.0.63')
})

t.test('a hop count looks at no entry behind the one that it names', async (t) => {
  t.equal(clientOf('10.0.0.1', 'unknown, 198.51.100.1', trust('1')), '198.51.100.1')
})

t.test('a long text is read in time that grows with its length', async (t) => {
  for (const part of [',', ':', '[', '1.', '[:', '%', '::ffff:', '0:']) {
    for (const text of [part.repeat(100_000), `[${part.repeat(100_000)}`]) t.equal(clientOf('10.0.0.1', text, trust('32')), '10.0.0.1', part)
  }
})
