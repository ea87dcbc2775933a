// SPDX-License-Identifier: MIT
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.LongStream;
import java.util.zip.CRC32;

/** Threads, code worth compiling, and classes that bring native libraries: libzip, libnio, libnet. */
public class Threads {
	static long sum;

	static synchronized void add(long part) {
		sum += part;
	}

	public static void main(String[] args) throws Exception {
		Thread[] threads = new Thread[8];
		for (int i = 0; i < threads.length; i++) {
			long from = i * 250000L;
			threads[i] = new Thread(() -> add(LongStream.range(from, from + 250000).sum()));
			threads[i].start();
		}
		for (Thread thread : threads)
			thread.join();
		System.out.println("sum " + sum);
		CRC32 crc = new CRC32();
		crc.update("123456789".getBytes());
		System.out.println("crc " + Long.toHexString(crc.getValue()));
		Path file = Path.of("mapped");
		Files.writeString(file, "mapped file");
		try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
			ByteBuffer bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
			System.out.println((char) bytes.get(0) + " " + bytes.remaining());
		}
		System.out.println(java.net.InetAddress.getByName("127.0.0.1").isLoopbackAddress());
		System.out.println(new String(
			new ProcessBuilder("echo", "child").start().getInputStream().readAllBytes()).trim());
	}
}
