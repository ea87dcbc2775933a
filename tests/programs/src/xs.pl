# SPDX-License-Identifier: MIT
# Modules with compiled parts, loaded at the start and later.
use strict;
use warnings;
use List::Util qw(sum shuffle reduce);
use POSIX qw(floor strftime);
use Storable qw(freeze thaw);
use Digest::MD5 qw(md5_hex);

print sum(1 .. 100), " ", floor(-1.5), " ", strftime("%Y-%m-%d", gmtime(0)), "\n";
print md5_hex("abc"), "\n";
print join(",", @{ thaw(freeze([1, [2, 3], { a => 4 }]))->[1] }), "\n";
for my $module (qw(Digest::SHA Data::Dumper Time::HiRes Encode Socket Fcntl IO::Handle
	MIME::Base64 Sys::Hostname Unicode::Normalize Compress::Raw::Zlib PerlIO::scalar)) {
	eval "require $module; 1" or die $@;
	print "$module\n";
}
print Digest::SHA::sha256_hex("abc"), "\n";
print Encode::encode("UTF-16BE", "\x{65e5}") eq "\x65\xe5" ? "encoded\n" : "wrong\n";
print Unicode::Normalize::NFD("\x{e9}") eq "e\x{301}" ? "normalized\n" : "wrong\n";
