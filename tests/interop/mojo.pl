# SPDX-License-Identifier: BSD-2-Clause
# Mojo::UserAgent.
use strict;
use warnings;
use utf8;

use Mojo::IOLoop;
use Mojo::Promise;
use Mojo::UserAgent;
use Mojo::WebSocket qw(WS_PING WS_PONG);

use constant DEADLINE => 30;

$| = 1;
my @sizes = (0, 1, 125, 126, 65535, 65536, 1 << 20);
my $ua = Mojo::UserAgent->new(inactivity_timeout => DEADLINE, connect_timeout => DEADLINE);
$ua->ca($ENV{INTEROP_CA}) if $ENV{INTEROP_CA};

sub text { return "€01234567890123" x int($_[0] / 17) . 'x' x ($_[0] % 17) }
sub binary { return pack 'C*', map { ($_ * 31 + ($_ >> 8)) & 255 } 0 .. $_[0] - 1 }

# Runs BODY, which dies or not.
sub check {
	my ($name, $body) = @_;
	if (eval { $body->(); 1 }) {
		print "ok $name\n";
	} else {
		print "not ok $name: ", $@ =~ s/\n/ /gr, "\n";
	}
}

# Runs the loop until CONDITION is true.
sub await {
	my ($condition, $what) = @_;
	my $late = 0;
	my $timer = Mojo::IOLoop->timer(DEADLINE, sub { $late = 1 });
	Mojo::IOLoop->one_tick until $condition->() || $late;
	Mojo::IOLoop->remove($timer);
	die "$what: nothing came in time\n" if $late && !$condition->();
}

# Opens a WebSocket: {tx, texts, bytes, pongs, end}.
sub dial {
	my ($name) = @_;
	my $ws = {texts => [], bytes => '', pongs => []};
	my $tried = 0;
	# This is how it is told to ask for compression.
	my $headers = $ENV{INTEROP_DEFLATE} ? {'Sec-WebSocket-Extensions' => 'permessage-deflate'} : {};
	$ua->websocket(
		$ENV{"INTEROP_$name"} => $headers => sub {
			my ($agent, $tx) = @_;
			$tried = 1;
			return unless $tx->is_websocket;
			$tx->max_websocket_size(2 << 20);
			$tx->on(text => sub { push @{$ws->{texts}}, Mojo::Util::decode('UTF-8', $_[1]) });
			$tx->on(binary => sub { $ws->{bytes} .= $_[1] });
			$tx->on(frame => sub { push @{$ws->{pongs}}, $_[1][5] if $_[1][4] == WS_PONG });
			$tx->on(finish => sub { $ws->{end} = [$_[1], $_[2]] });
			$ws->{tx} = $tx;
		}
	);
	await(sub {$tried}, 'the handshake');
	die "it could not be opened\n" unless $ws->{tx};
	return $ws;
}

sub next_text {
	my ($ws) = @_;
	await(sub { @{$ws->{texts}} || $ws->{end} }, 'a message');
	die "closed with $ws->{end}[0]\n" unless @{$ws->{texts}};
	return shift @{$ws->{texts}};
}

sub end {
	my ($ws) = @_;
	await(sub { $ws->{end} }, 'the close');
	return join ' ', grep { defined && length } @{$ws->{end}};
}

my $ws = dial('TEXT');
if ($ENV{INTEROP_DEFLATE}) {
	check(deflate => sub { $ws->{tx}->compressed or die "it was not agreed on\n" });
}
for my $n (@sizes) {
	check("text-$n" => sub {
		$ws->{tx}->send(text($n));
		next_text($ws) eq text($n) or die "it was changed\n";
	});
}
check(ping => sub {
	for my $payload ("\x00\xff\x80\n", '', 'p' x 125) {
		$ws->{pongs} = [];
		$ws->{tx}->send([1, 0, 0, 0, WS_PING, $payload]);
		await(sub { @{$ws->{pongs}} }, 'the PONG');
		$ws->{pongs}[0] eq $payload or die "the payload is another\n";
	}
});
check('close-client' => sub {
	$ws->{tx}->finish(4001, 'bye');
	my $end = end($ws);
	$end eq '4001' or die "it ended with $end\n";
});

$ws = dial('BYTES');
for my $n (@sizes) {
	check("binary-$n" => sub {
		# Of nothing nothing comes back, so another byte follows it.
		my $wanted = binary($n || 1);
		$ws->{bytes} = '';
		$ws->{tx}->send({binary => ''}) if $n == 0;
		$ws->{tx}->send({binary => $wanted});
		await(sub { length $ws->{bytes} >= length $wanted }, 'all the bytes');
		$ws->{bytes} eq $wanted or die "it was changed\n";
	});
}
$ws->{tx}->finish;
end($ws);

check('close-server' => sub {
	my $exit = dial('EXIT');
	$exit->{tx}->send('3');
	my $end = end($exit);
	$end eq '4003 exit 3' or die "it ended with $end\n";
});
check(pong => sub {
	my $idle = dial('IDLE');
	next_text($idle) eq 'awake' or die "another message came\n";
	$idle->{tx}->send('still here');
	next_text($idle) eq 'still here' or die "another message came\n";
	$idle->{tx}->finish;
	end($idle);
});
